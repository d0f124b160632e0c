# exit 1
features model.json
