# exit 1
$ data "normal(8)"
check model.json
