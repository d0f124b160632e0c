# exit 1
$ printf 'a,k\n1,0.5\n3,1.5\n' >d.csv
$ data "csv('d.csv', label='k')"
check model.json
