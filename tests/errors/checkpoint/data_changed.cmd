# exit 1
$ printf '1,2,3,4\n3,4,5,6\n5,6,7,8\n7,8,9,0\n' >x.csv
$ data "csv('x.csv', header=0, test=0)"
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/9,0/9,1/' x.csv
run model.json --resume --out out
