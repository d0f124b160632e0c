# exit 1
$ "$sslc" run model.json --quiet --out out
$ sed -i 's/sslc_crc32/sslc_crc33/; s/"step":"4"/"step":"2"/' out/checkpoint.safetensors
run model.json --init out/checkpoint.safetensors --out new
