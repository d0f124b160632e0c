# exit 1
$ printf 'a,b\n1,2\n' >d.csv
$ data "csv('d.csv', header=2)"
check model.json
