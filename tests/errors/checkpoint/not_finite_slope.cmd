# exit 3
$ sed -i '4a\  "define": {"scaled(x)": {"w": "param([1], 1)", "y": "x * w"}}, "guard": ["scaled"],' model.json
$ sed -i 's/), x)"/), x) + mean(sqrt(guard(0 * x)))"/' model.json
run model.json --save-every 3600 --out out
