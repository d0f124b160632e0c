# exit 1
$ mkdir -p p/a p/b && cp "$cases/../oracle/images/rgb.png" p/a/1.png && cp "$cases/../oracle/images/grey.jpg" p/b/2.jpg
$ printf "path,label\na/1.png,x\n\na/2.png\n" >l.csv
$ data "images('p', labels='l.csv')"
check model.json
