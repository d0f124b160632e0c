# exit 1
$ cp "$cases/../oracle/data/twice.npz" d.npz
$ data "npz('d.npz')"
check model.json
