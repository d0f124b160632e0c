# exit 0
$ mkdir -p p/a p/b && cp "$cases/../oracle/images/rgb.png" p/a/1.png && cp "$cases/../oracle/images/grey.jpg" p/b/2.jpg
$ ln -s ../.. p/a/up
$ data "images('p', skip='up')"
$ sed -i 's/"encoder": \["linear(2)"\]/"encoder": ["flatten", "linear(2)"]/; s/linear(4)/linear(3072)/; s/decoder(encoder(x)), x/decoder(encoder(x)), flatten(x)/; s/"batch": 4/"batch": 2/' model.json
check model.json
