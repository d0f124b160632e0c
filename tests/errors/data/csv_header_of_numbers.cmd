# exit 1
$ printf '1,2\n3,4\n' >d.csv
$ data "csv('d.csv')"
check model.json
