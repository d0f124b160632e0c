# exit 2
run model.json --threads 0
