# exit 1
$ printf 'a,y\n1,0\n2,1\n3,0\n4,1\n' >d.csv
$ printf 'a,y\n1,\n2,\n' >t.csv
$ data "csv('d.csv', target='y', test_path='t.csv')"
check model.json
