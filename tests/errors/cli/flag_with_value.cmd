# exit 2
run model.json --quiet=yes
