# exit 1
$ mkdir -p out/checkpoint.safetensors
run model.json --resume --out out
