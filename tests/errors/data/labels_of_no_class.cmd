# exit 1
$ printf '\000\000\010\002\000\000\000\004\000\000\000\002abcdefgh' > x.idx
$ data "idx('x.idx', 'x.idx', 'x.idx', 'x.idx')"
$ sed -i 's/^  "train".*/  "train": {"epochs": 2, "batch": 4},\n  "downstream": {"probe": {"head": ["linear(2)"], "freeze": ["encoder"], "labels": 2,\n    "loss": "mse(head(encoder(x)), cast(label, '"'float'"'))"}}/; s/linear(4)/linear(2)/' model.json
run model.json --out out
