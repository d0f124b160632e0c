# exit 2
features --split=tets model.json
