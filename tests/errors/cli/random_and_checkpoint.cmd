# exit 2
features model.json --random --checkpoint a.safetensors
