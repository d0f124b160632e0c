# exit 4
$ printf 'to be or not to be\n' >a.txt
tokenizer a.txt --size 260 --out none/tokens.json
