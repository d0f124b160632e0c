# exit 1
$ echo hello world, this is text > images.idx
$ data "idx('images.idx')"
check model.json
