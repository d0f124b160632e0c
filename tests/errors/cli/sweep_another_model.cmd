# exit 1
$ sed -i 's|"train"|"optimizer": "adam(lr=sweep(0.1, 0.2))", "train"|' model.json
$ mkdir -p here/001; echo "{}" >here/001/model.json; echo "{\"held_out\": 0, \"epochs\": 0}" >here/sweep.json
sweep model.json --resume --out here
