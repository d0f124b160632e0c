# exit 1
$ mkdir texts; : >texts/a
$ data "text('texts')"
check model.json
