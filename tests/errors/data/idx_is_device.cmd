# exit 1
$ data "idx('/dev/zero')"
check model.json
