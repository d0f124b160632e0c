# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(form=0, to=1))", "train"|' model.json
sweep model.json
