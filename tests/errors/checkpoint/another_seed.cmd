# exit 1
$ "$sslc" run model.json --quiet --out out
run model.json --resume --seed 7 --out out
