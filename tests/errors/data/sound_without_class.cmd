# exit 1
$ mkdir a; cp "$cases/../oracle/sound/good/s16.wav" a
$ data "audio('a', labels='folder')"
check model.json
