# exit 1
$ : > images.npy
$ data "npy('images.npy')"
check model.json
