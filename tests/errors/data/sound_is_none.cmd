# exit 1
$ mkdir a; cp $cases/../oracle/sound/bad/text.wav a
$ data "audio('a')"
check model.json
