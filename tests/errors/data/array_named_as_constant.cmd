# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > x.idx
$ data "idx('x.idx', batch='x.idx', test=0)"
check model.json
