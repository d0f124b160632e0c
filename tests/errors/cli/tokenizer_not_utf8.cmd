# exit 1
$ printf "caf\351\n" >text.txt
tokenizer text.txt
