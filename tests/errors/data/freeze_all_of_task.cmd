# exit 1
$ for i in 1 2 3 4 5 6 7 8; do echo "$i,2,3,4,$((i % 2))"; done >x.csv
$ data "csv('x.csv', label='5', header=0, test=0.5)"
$ sed -i 's/"train"/"downstream": {"probe": {"freeze": ["encoder"], "loss": "cross_entropy(encoder(x), label)"}}, "train"/' model.json
check model.json
