# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > x.idx; printf '\000\000\010\002\000\000\000\002\000\000\000\002abcd' > y.idx
$ data "idx('x.idx', test_boxes='y.idx')"
check model.json
