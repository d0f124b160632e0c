# exit 3
$ sed -i 's/"train"/"optimizer": "odd", "define": {"odd(w, g)": "w + sqrt(0 * sum(g * g) - 1)"},\n  &/' model.json
run model.json --save-every 3600 --out out
