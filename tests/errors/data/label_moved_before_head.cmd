# exit 1
$ printf '\000\000\010\002\000\000\000\004\000\000\000\002abcdefgh' > x.idx
$ printf '\000\000\010\001\000\000\000\004\000\000\001\003' > y.idx
$ data "idx('x.idx', 'y.idx', test=0.5)"
$ sed -i 's/^  "loss".*/  "loss": "mse(decoder(encoder(x)), x) + mean(one_hot(concat([label, reverse(label, 0)]), 3))",/; s/"batch": 4/"batch": 2/; s/linear(4)/linear(2)/' model.json
check model.json
