# exit 1
$ data "npy('nowhere.npy')"
check model.json
