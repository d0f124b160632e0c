# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > x.idx; printf '\000\000\010\002\000\000\000\002\000\000\000\002abcd' > y.idx
$ printf '\000\000\010\001\000\000\000\003abc' > z.idx
$ data "idx('x.idx', boxes='x.idx', test_images='x.idx', test_boxes='z.idx')"
check model.json
