# exit 1
$ printf 'PAR1\025\004\025' >d.csv
$ data "csv('d.csv')"
check model.json
