# exit 1
$ mkdir p && cp "$cases/../oracle/images/rgb.png" p/1.png
$ printf 'k,v\n1,2\n' >d.csv
$ data "joined(images('p', labels=''), t=csv('d.csv', key='k', target='v'))"
check model.json
