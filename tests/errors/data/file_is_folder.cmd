# exit 1
$ mkdir images.npy
$ data "npy('images.npy')"
check model.json
