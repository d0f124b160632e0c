# exit 1
$ printf '\000\000\010\002\000\000\000\004\000\000\000\002abcdefgh' > x.idx
$ printf '\000\000\014\001\000\000\000\004\167\065\224\016\167\065\224\017\167\065\224\016\167\065\224\017' > y.idx
$ data "idx('x.idx', 'y.idx', 'x.idx', 'y.idx')"
$ sed -i 's/^  "train".*/  "train": {"epochs": 2, "batch": 4},\n  "downstream": {"probe": {"head": ["linear(classes)"], "freeze": ["encoder"],\n    "loss": "cross_entropy(head(encoder(x)), label)"}}/; s/linear(4)/linear(2)/' model.json
run model.json --out out
