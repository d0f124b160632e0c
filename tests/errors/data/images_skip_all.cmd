# exit 1
$ mkdir -p p/a p/b && cp "$cases/../oracle/images/rgb.png" p/a/1.png && cp "$cases/../oracle/images/grey.jpg" p/b/2.jpg
$ data "images('p', skip='/, a, b')"
check model.json
