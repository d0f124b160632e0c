# exit 1
$ printf '\0\0\014\2\177\0\0\0\0\0\0\144' > images.idx
$ data "idx('images.idx')"
check model.json
