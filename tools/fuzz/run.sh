#!/usr/bin/env bash
# run.sh BUILD [SECONDS]: runs every fuzz target for so long (60), each from a corpus made of the tests' own files.
set -euo pipefail
build=$1
seconds=${2:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT

seed() { # target, files...
	mkdir -p "$corpus/$1"
	local n=0
	for file in "${@:2}"; do
		[ -f "$file" ] && [ "$(stat -c %s "$file")" -le 65536 ] && cp "$file" "$corpus/$1/$((n += 1))"
	done
	true
}
shopt -s nullglob globstar
seed model "$root"/models/**/*.json "$root"/tests/errors/**/*.json
mkdir "$corpus/expr" # every text of a model, as a file of its own
cat "$root"/models/**/*.json "$root"/tests/errors/**/*.json | grep -aoE '"[^"\]+"' | tr -d '"' | sort -u |
	split -a 4 -l 1 --filter='tr -d "\n" >"$FILE"' - "$corpus/expr/"
seed graph "$root"/tests/golden/**/*.ir
seed idx "$root"/tests/oracle/**/*.idx*
seed npy "$root"/tests/oracle/**/*.npy
seed safetensors "$root"/tests/oracle/**/*.safetensors

for target in model expr graph idx npy safetensors; do
	echo "fuzz_$target"
	mkdir -p "$corpus/$target"
	(cd "$corpus" && "$root/$build/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
		-print_final_stats=0 -verbosity=0 "$corpus/$target")
done
