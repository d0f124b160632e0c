# exit 1
$ mkdir -p p/a p/b && cp "$cases/../oracle/images/rgb.png" p/a/1.png && cp "$cases/../oracle/images/grey.jpg" p/b/2.jpg
$ printf "a/1.png,x\nb/2.jpg,y\n./a/.//1.png,z\n" >l.csv
$ data "images('p', labels='l.csv')"
check model.json
