# exit 1
$ printf 'a,y\n1,0\n2,2\n3,4.5\n4,1\n' >d.csv
$ data "csv('d.csv', target='y', test=0.5)"
$ sed -i 's/linear(4)/linear(1)/; s/^  "train".*/  "train": {"batch": 2},\n  "downstream": {"probe": {"head": ["linear(3)"], "freeze": ["encoder"],\n    "loss": "cross_entropy(head(encoder(x)), cast(label, '"'i32'"'))"}}/' model.json
check model.json
