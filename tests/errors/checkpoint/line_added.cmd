# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i '3i\  "optimizer": "sgd(lr=1)",' model.json
run model.json --resume --out out
