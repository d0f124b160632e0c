# exit 1
$ printf '\000\000\010\002\000\000\000\003\000\000\000\002abcdef' > x.idx; printf '\000\000\010\001\000\000\000\003aab' > g.idx
$ data "idx('x.idx', group='g', window=2)"
check model.json
