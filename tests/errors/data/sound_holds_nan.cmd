# exit 1
$ mkdir a; cp $cases/../oracle/sound/bad/nan.wav a
$ data "audio('a')"
check model.json
