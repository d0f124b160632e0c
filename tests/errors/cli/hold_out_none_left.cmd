# exit 1
run model.json --hold-out 0.1
