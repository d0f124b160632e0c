# exit 1
$ data "nmpy('images.npy')"
check model.json
