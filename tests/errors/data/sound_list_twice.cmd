# exit 1
$ mkdir a; printf 's16.wav,a\ns16.wav,b\n' > list.csv
$ data "audio('a', labels='list.csv')"
check model.json
