# exit 1
$ "$sslc" run model.json --quiet --out out
$ truncate -s -5 out/checkpoint.safetensors
run model.json --resume --out out
