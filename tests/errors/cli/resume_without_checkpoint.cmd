# exit 1
run --resume --out empty model.json
