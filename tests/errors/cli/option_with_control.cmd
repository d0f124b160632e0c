# exit 2
run model.json "--$(printf 'a\033[2Jb')"
