# exit 2
run model.json --hold-out=1e400
