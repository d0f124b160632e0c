# exit 1
$ mkdir -p runs/small
$ mkfifo runs/small/checkpoint.safetensors
run model.json --quiet --resume
