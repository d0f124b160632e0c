# exit 2
run model.json --epochs
