# exit 1
$ data "npy('a.npy', test=1)"
check model.json
