# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/linear(2)/linear(3)/' model.json
run model.json --init out/checkpoint.safetensors --out new
