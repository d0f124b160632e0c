# exit 1
sweep model.json
