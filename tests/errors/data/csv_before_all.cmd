# exit 1
$ printf 'a title\n' >d.csv
$ data "csv('d.csv', before=2)"
check model.json
