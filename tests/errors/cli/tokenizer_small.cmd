# exit 2
tokenizer model.json --size 100
