#!/bin/sh
# Every wrong model of tests/errors/model says exactly what its .err file says, then "rc" and the exit code.
# usage: model_errors.sh <path to sslc>; BLESS=1 rewrites the .err files, to be reviewed before they are committed
set -eu
sslc=$(realpath "$1")
cd "$(dirname "$0")/../errors/model"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
bad=0
for model in *.json; do
	want=${model%.json}.err
	code=0
	"$sslc" check "$model" >/dev/null 2>"$temp/got" || code=$?
	echo "rc $code" >>"$temp/got"
	[ "${BLESS:-}" != 1 ] || cp "$temp/got" "$want"
	diff -u "$want" "$temp/got" || bad=1
done
exit $bad
