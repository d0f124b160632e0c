# exit 1
$ data "normal(3, 4)"
check model.json
