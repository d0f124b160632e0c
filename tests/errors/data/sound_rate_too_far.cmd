# exit 1
$ mkdir a; cp $cases/../oracle/sound/good/s16.wav a
$ data "audio('a', rate=20)"
check model.json
