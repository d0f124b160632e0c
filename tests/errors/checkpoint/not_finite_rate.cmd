# exit 3
$ sed -i '4,5d; s/"loss": .*/"define": {"scaled(x)": {"w": "param([1], 1)", "y": "x * w"}}, "encoder": ["scaled"], "loss": "mean(encoder(0 * x + 1)^2)", "optimizer": "sgd(1e15)",/' model.json
run model.json --save-every 3600 --out out
