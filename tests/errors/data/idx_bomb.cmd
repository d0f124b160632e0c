# exit 1
$ { printf '\0\0\010\1\0\0\0\144'; head -c 50000000 /dev/zero; } | gzip -1 > images.idx.gz
$ data "idx('images.idx.gz')"
check model.json
