# exit 1
$ printf 'a,b,c,d,k\n1,2,3,4,u\n3,4,5,6,v\n5,6,7,8,u\n7,8,9,1,\n' >d.csv
$ data "csv('d.csv', label='k')"
$ sed -i 's/^  "train".*/  "train": {"epochs": 2, "batch": 4},\n  "downstream": {"probe": {"head": ["linear(3)"], "freeze": ["encoder"],\n    "loss": "cross_entropy(head(encoder(x)), label)"}}/' model.json
check model.json
