# exit 1
$ mkdir a; cp $cases/../oracle/sound/bad/cut.wav a
$ data "audio('a')"
check model.json
