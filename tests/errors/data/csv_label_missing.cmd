# exit 1
$ printf 'a,k\n1,u\n3,\n5,w\n7,u\n' >d.csv
$ data "csv('d.csv', label='k', test=0)"
$ sed -i 's|"loss": .*|"loss": "mse(decoder(encoder(x)), x) + cross_entropy(encoder(x), label)",|; s|linear(4)|linear(1)|' model.json
check model.json
