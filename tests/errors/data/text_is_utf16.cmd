# exit 1
$ printf '\377\376o\0' >text.txt
$ data "text('text.txt')"
check model.json
