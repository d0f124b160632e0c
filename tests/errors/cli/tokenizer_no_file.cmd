# exit 2
tokenizer --size 300
