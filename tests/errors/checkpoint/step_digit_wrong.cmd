# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/"step":"4"/"step":"2"/' out/checkpoint.safetensors
run model.json --resume --out out
