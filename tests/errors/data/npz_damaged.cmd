# exit 1
$ cp "$cases/../oracle/data/crc.npz" d.npz
$ data "npz('d.npz')"
check model.json
