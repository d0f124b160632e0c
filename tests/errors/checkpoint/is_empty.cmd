# exit 1
$ "$sslc" run model.json --quiet --out out
$ : > out/checkpoint.safetensors
run model.json --resume --out out
