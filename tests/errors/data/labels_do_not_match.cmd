# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > images.idx
$ printf '\000\000\010\001\000\000\000\002\001\002' > labels.idx
$ data "idx('images.idx', 'labels.idx')"
check model.json
