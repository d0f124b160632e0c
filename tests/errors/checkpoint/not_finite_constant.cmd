# exit 3
$ sed -i 's|mse(decoder(encoder(x)), x)|mse(decoder(encoder(x)), x) * log(0 - 1)|' model.json
run model.json --quiet
