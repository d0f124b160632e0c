# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(from=0, to=1, count=1))", "train"|' model.json
sweep model.json
