# exit 1
$ printf 'one\ncaf\351\n' >text.txt
$ data "text('text.txt')"
check model.json
