# exit 1
$ mkdir a; cp $cases/../oracle/sound/bad/none.wav a
$ data "audio('a')"
check model.json
