# exit 2
ops model.json
