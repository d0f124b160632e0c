# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep())", "train"|' model.json
sweep model.json
