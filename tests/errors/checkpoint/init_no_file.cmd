# exit 1
run model.json --init nowhere.safetensors --out new
