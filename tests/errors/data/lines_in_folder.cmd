# exit 1
$ mkdir d; printf 'a\tone\n' >d/1.txt; printf 'a\tone\n\nb\ttwo\nthree\n' >d/2.txt
$ data "lines('d')"
check model.json
