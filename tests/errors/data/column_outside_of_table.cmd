# exit 1
$ printf 'a,b,c\n-1.5,0,4\n2000,2,0\n0.25,1,5\n3,1,2\n' >d.csv
$ data "csv('d.csv', test=0.25)"
$ sed -i 's/"encoder".*/"encoder": ["kinds", "linear(3)"], "define": {"kind(x, i, n)": "embedding(reshape(cast(slice(x, 1, i, i + 1), '"'i32'"'), [-1]), n, 4)", "kinds(x)": "concat([slice(x, 1, 0, 1), kind(x, 1, 3), kind(x, 2, 5)], 1)"},/; s/linear(4)/linear(3)/; s/^  "train".*/  "train": {"batch": 2}/' model.json
check model.json
