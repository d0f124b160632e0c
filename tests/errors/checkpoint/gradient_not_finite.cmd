# exit 3
$ sed -i '4a\  "guard": ["linear(1)"],' model.json
$ sed -i 's/), x)"/), x) + mean(select(guard(x) > 1e9, sqrt(guard(x) - 1e9), 0))"/; s/"epochs": 2/"epochs": 1000/' model.json
run model.json --save-every 3600 --out out
