# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(0.1, name=lr))", "train"|' model.json
sweep model.json
