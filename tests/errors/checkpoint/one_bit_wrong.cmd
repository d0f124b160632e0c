# exit 1
$ "$sslc" run model.json --quiet --out out
$ size=$(stat -c %s out/checkpoint.safetensors)
$ printf '\125' | dd of=out/checkpoint.safetensors bs=1 seek=$((size - 3)) conv=notrunc status=none
run model.json --resume --out out
