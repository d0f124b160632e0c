# exit 1
$ printf 'a,a\n1,2\n' >d.csv
$ data "csv('d.csv', columns='a')"
check model.json
