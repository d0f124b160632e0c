# exit 2
generate model.json --temperature warm
