# exit 1
run model.json --resume --out out
