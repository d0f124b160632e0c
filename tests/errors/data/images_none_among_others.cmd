# exit 1
$ mkdir p && echo a >p/a.txt && echo b >p/b.png
$ data "images('p', labels='')"
check model.json
