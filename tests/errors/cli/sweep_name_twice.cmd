# exit 1
$ sed -i "s|\"train\"|\"optimizer\": \"adam(lr=sweep(0.1, 0.2, name='a'), beta1=sweep(0.1, 0.3, name='a'))\", \"train\"|" model.json
sweep model.json
