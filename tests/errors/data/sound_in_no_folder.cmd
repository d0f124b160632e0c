# exit 1
$ data "audio('nowhere')"
check model.json
