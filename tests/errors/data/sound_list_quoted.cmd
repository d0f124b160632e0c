# exit 1
$ mkdir a; printf 'name,label\n"a, b.wav",x\n' > list.csv
$ data "audio('a', labels='list.csv')"
check model.json
