# exit 1
$ rm model.json
$ mkfifo model.json
check model.json
