# exit 1
$ : >text.txt
tokenizer text.txt
