# exit 2
run model.json --seed 99999999999999999999
