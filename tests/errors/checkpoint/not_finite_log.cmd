# exit 3
$ sed -i 's/), x)"/), x) + mean(log(max(5.5 - step, 0)))"/; s/"epochs": 2/"epochs": 100/' model.json
run model.json --save-every 0 --out out
