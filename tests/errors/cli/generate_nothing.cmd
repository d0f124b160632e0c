# exit 1
generate model.json
