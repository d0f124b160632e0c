# exit 2
export model.json --weights a.safetensors --checkpoint b.safetensors
