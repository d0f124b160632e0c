# exit 1
$ tr -d '\n' <model.json >one.json && mv one.json model.json
$ "$sslc" run model.json --out out --steps 1 --quiet >/dev/null
$ sed -i 's/"batch": 4/"batch": 8/' model.json
run model.json --out out --resume
