# exit 1
$ mkdir a; cp $cases/../oracle/sound/good/s16.wav a
$ data "audio('a', skip='s16.wav')"
check model.json
