# exit 1
$ printf 'a,s\n1,p\n2,p\n3,q\n' >d.csv
$ data "csv('d.csv', group='s', window=3, test=0)"
check model.json
