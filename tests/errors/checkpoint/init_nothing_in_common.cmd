# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/encoder/front/g; s/decoder/back/g' model.json
run model.json --init out/checkpoint.safetensors --out new
