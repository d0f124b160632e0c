#!/bin/sh
# Every case of tests/errors/cli, data and checkpoint: the command in .cmd must end with its exit code and print .err.
# In a .cmd, "# exit N" is the expected code, lines that begin with "$ " prepare files (`data EXPRESSION` changes the data
# of the model), the last line has the arguments. Cases run in an empty folder with a small model.json.
# BLESS=1 in the environment rewrites the .err files.
# usage: cli_errors.sh <path to sslc> [case ...]
set -eu
sslc=$(realpath "$1")
shift
cases=$(realpath "$(dirname "$0")/../errors")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failed=0

data() { sed -i "s|normal(8, 4, seed=0)|$1|" model.json; }

[ $# -gt 0 ] || set -- "$cases"/cli/*.cmd "$cases"/data/*.cmd "$cases"/checkpoint/*.cmd
for cmd in "$@"; do
	name=$(basename "$cmd" .cmd)
	rm -rf "$temp/case"
	mkdir "$temp/case"
	cat >"$temp/case/model.json" <<-'MODEL'
		{
		  "name": "small",
		  "data": "normal(8, 4, seed=0)",
		  "encoder": ["linear(2)"],
		  "decoder": ["linear(4)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 2, "batch": 4}
		}
	MODEL
	want=$(sed -n 's/^# exit //p' "$cmd")
	sed -n 's/^\$ //p' "$cmd" >"$temp/prepare"
	arguments=$(grep -v -e '^# ' -e '^\$ ' "$cmd" | tail -n 1 || true)
	got=0
	(
		cd "$temp/case"
		. "$temp/prepare"
		eval "exec timeout 60 \"\$sslc\" $arguments" >/dev/null 2>"$temp/stderr"
	) || got=$?
	if [ "$got" != "$want" ]; then
		echo "$name: exit code $got instead of $want"
		failed=1
	fi
	[ -z "${BLESS:-}" ] || cp "$temp/stderr" "${cmd%.cmd}.err"
	if ! diff -u "${cmd%.cmd}.err" "$temp/stderr" >"$temp/diff"; then
		echo "$name: not the expected message:"
		cat "$temp/diff"
		failed=1
	fi
done
exit $failed
