# exit 1
$ mkdir a; printf 'path,label\n' > list.csv
$ data "audio('a', labels='list.csv')"
check model.json
