# exit 1
$ mkfifo images.idx
$ data "idx('images.idx')"
check model.json
