# exit 3
$ sed -i 's/), x)"/), x) + mean(exp(100 * step + 0 * x))"/' model.json
run model.json --save-every 3600 --out out
