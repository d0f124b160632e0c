# exit 1
$ echo hello world, this is text > images.npy
$ data "npy('images.npy')"
check model.json
