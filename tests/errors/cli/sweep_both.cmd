# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(0.1, from=1, to=2))", "train"|' model.json
sweep model.json
