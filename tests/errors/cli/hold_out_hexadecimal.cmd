# exit 2
run model.json --hold-out=0x1p-1
