# exit 2
dump --stage=sheduel model.json
