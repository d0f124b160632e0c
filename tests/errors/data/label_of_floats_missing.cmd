# exit 1
$ printf 'a,y\n1,0\n2,1\n3,\n4,1\n' >d.csv
$ data "csv('d.csv', target='y', test=0)"
$ sed -i "/\"decoder\":/d; s/^  \"loss\".*/  \"loss\": \"cross_entropy(encoder(x), cast(label, 'i32'))\",/" model.json
check model.json
