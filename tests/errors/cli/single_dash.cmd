# exit 2
run -q model.json
