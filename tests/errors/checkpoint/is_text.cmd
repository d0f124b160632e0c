# exit 1
$ mkdir out
$ cp model.json out/checkpoint.safetensors
run model.json --resume --out out
