# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > x.idx; printf '\000\000\010\002\000\000\000\002\000\000\000\002abcd' > y.idx
$ data "idx('x.idx', a='x.idx', b='x.idx', c='x.idx', d='x.idx', e='x.idx', f='x.idx', g='x.idx', h='x.idx')"
check model.json
