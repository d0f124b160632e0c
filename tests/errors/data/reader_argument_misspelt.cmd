# exit 1
$ printf 'a,b,c\n1,2,s\n3,4,t\n' >d.csv
$ data "csv('d.csv', gruop='c', window=1)"
check model.json
