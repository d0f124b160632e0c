# exit 1
$ mkdir a; cp $cases/../oracle/sound/good/s16.wav a
$ data "audio('a', rate=0.5)"
check model.json
