# exit 1
$ mkdir a; cp $cases/../oracle/sound/good/s16.wav a
$ data "audio('a', hold_out='bob')"
check model.json
