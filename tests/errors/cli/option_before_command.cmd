# exit 2
--quiet run model.json
