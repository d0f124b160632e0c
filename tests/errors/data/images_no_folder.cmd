# exit 1
$ data "images('p')"
check model.json
