# exit 1
$ printf 'a,k\n-1.5,0\n2000,2\n0.25,5\n3,1\n7,2\n' >d.csv
$ data "csv('d.csv', window=2, stride=1, test=0)"
$ sed -i 's/"encoder".*/"encoder": ["kinds", "linear(2)"], "define": {"kinds(x)": "embedding(reshape(cast(slice(x, 2, 1, 2), '"'i32'"'), [-1, 2]), 5, 4)"},/; s/linear(4)/linear(2)/; s/^  "train".*/  "train": {"batch": 2}/' model.json
check model.json
