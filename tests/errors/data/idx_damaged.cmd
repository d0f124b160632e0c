# exit 1
$ printf '\000\000\010\002\000\000\000\004\000\000\000\002abcdefgh' > x.idx
$ { gzip -nc x.idx | head -c -8; printf '\000\000\000\000\024\000\000\000'; } > y.idx
$ data "idx('y.idx')"
check model.json
