# exit 1
$ printf '' >d.csv
$ data "csv('d.csv')"
check model.json
