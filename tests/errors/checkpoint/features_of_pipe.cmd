# exit 1
$ mkfifo weights.safetensors
features model.json --checkpoint weights.safetensors
