# exit 2
run model.json --seed 1 --seed=2
