# exit 1
$ mkdir p
$ data "images('p')"
check model.json
