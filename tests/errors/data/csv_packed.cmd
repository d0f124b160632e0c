# exit 1
$ printf 'a,b\n1,2\n' | gzip | head -c 20 >d.csv
$ data "csv('d.csv')"
check model.json
