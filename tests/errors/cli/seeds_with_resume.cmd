# exit 2
run model.json --seeds 3 --resume
