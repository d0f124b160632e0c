# exit 1
check "$(printf 'a\033[2J\302\233b\377.json')"
