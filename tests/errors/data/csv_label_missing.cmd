# exit 1
$ printf 'a,k\n1,u\n3,\n' >d.csv
$ data "csv('d.csv', label='k')"
check model.json
