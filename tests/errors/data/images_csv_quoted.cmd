# exit 1
$ mkdir -p p/a p/b && cp "$cases/../oracle/images/rgb.png" p/a/1.png && cp "$cases/../oracle/images/grey.jpg" p/b/2.jpg
$ printf "path,label\n\"a,b/1.png\",x\n" >l.csv
$ data "images('p', labels='l.csv')"
check model.json
