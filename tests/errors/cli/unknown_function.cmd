# exit 1
dump --function=stpe model.json
