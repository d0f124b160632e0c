# exit 2
generate model.json --temperature 0x1p-1
