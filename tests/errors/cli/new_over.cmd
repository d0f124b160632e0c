# exit 1
$ echo kept >simclr.json
new simclr
