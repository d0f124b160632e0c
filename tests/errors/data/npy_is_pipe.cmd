# exit 1
$ mkfifo images.npy
$ data "npy('images.npy')"
check model.json
