# exit 1
$ mkdir a; touch a/notes.txt
$ data "audio('a')"
check model.json
