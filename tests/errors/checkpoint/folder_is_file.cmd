# exit 4
$ : > out
run model.json --out out
