# exit 1
$ printf '\377\376\0\0o\0\0\0' >text.txt
$ data "text('text.txt')"
check model.json
