# exit 1
$ echo 'make.py makes nowhere.npy' >README.md
$ data "npy('nowhere.npy')"
check model.json
