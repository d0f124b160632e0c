# exit 2
run model.json --epoch 3
