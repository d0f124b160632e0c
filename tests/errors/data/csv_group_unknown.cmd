# exit 1
$ printf 'a,s\n1,p\n2,q\n' >d.csv
$ data "csv('d.csv', group='s', hold_out='r')"
check model.json
