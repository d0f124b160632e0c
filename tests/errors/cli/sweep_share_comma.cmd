# exit 2
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(0.1, 0.2))", "downstream": {"t": {"head": ["linear(2)"], "metric": "mean(encoder(x))", "train": {"batch": 2}}}, "train"|' model.json
sweep model.json --hold-out 0,2
