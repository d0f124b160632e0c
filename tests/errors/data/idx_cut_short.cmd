# exit 1
$ printf '\000\000\010\002\000\000\000\004\000\000\000\002abcdefgh' | gzip -nc | head -c 14 > y.idx
$ data "idx('y.idx')"
check model.json
