# exit 2
run model.json --hold-out=0,5
