# exit 1
$ "$sslc" run model.json --quiet --out out
run model.json --resume --epochs 1 --out out
