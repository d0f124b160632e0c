# exit 2
run model.json --out "$(printf 'a\033[31mb')"
