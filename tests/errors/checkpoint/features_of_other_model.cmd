# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/"linear(2)"/"linear(2)", "linear(2)"/' model.json
features model.json --checkpoint out/checkpoint.safetensors
