# exit 1
$ mkdir a; cp $cases/../oracle/sound/good/s16.wav a
$ data "audio('a', seconds=0)"
check model.json
