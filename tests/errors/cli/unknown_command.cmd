# exit 2
rnu model.json
