# exit 1
$ cp "$cases/../oracle/data/positional.npz" d.npz
$ data "npz('d.npz')"
check model.json
