# exit 2
check model.json --resume
