# exit 1
$ cp "$cases/../oracle/data/stored.npz" d.npz
$ data "npz('d.npz', label='label', test_x='x')"
check model.json
