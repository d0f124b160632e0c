# exit 1
$ mkdir p && cp "$cases/../oracle/images/broken/cut.jpg" p/a.jpg
$ data "images('p', labels='', corrupt='skip')"
check model.json
