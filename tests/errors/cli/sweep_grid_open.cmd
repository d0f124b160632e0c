# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(from=0.001, to=0.1))", "train"|' model.json
sweep model.json
