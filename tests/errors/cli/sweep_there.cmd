# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(0.1, 0.2))", "train"|' model.json
$ mkdir -p runs/small-sweep; echo "{}" >runs/small-sweep/sweep.json
sweep model.json
