# exit 1
$ mkfifo weights.safetensors
run model.json --quiet --init weights.safetensors
