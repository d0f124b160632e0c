# exit 1
$ printf 'k,v,w\na,1,2\nb,2,3\nc,3,4\nd,4,5\n' >a.csv
$ printf 'k,u,c\na,1,0\nb,2,\nc,3,1\nd,4,0\n' >b.csv
$ data "joined(csv('a.csv', key='k', test=0), b=csv('b.csv', key='k', label='c'))"
$ sed -i '/"decoder":/d; s/^  "loss".*/  "loss": "cross_entropy(encoder(x), b_label)",/' model.json
check model.json
