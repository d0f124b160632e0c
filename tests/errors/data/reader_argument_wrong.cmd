# exit 1
$ data "normal(8.5, 4)"
check model.json
