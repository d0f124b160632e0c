# exit 1
$ data "normal(8, 4, sead=1)"
check model.json
