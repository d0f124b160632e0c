# exit 1
$ printf 'a,b\n1,caf\351\n' >d.csv
$ data "csv('d.csv', text='b')"
check model.json
