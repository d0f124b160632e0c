# exit 1
$ printf 'a\tone\ntwo\n' >text.txt
$ data "lines('text.txt')"
check model.json
