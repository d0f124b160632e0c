# exit 1
$ cp "$cases/../oracle/data/bomb.npz" d.npz
$ data "npz('d.npz')"
check model.json
