#!/bin/sh
# Every command has a help, whichever way one asks for it, says each of its options once, and its example is of a file that
# is there.
# usage: help.sh <path to sslc>
set -eu
sslc=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
failed=0
for command in $("$sslc" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	page=$("$sslc" help "$command")
	for ask in --help -h; do
		[ "$("$sslc" "$command" $ask)" = "$page" ] || { echo "sslc $command $ask is not sslc help $command"; failed=1; }
	done
	twice=$(echo "$page" | sed -n 's/^  \(--[a-z-]*\) .*/\1/p' | sort | uniq -d)
	[ -z "$twice" ] || { echo "sslc help $command says twice: $twice"; failed=1; }
	for file in $(echo "$page" | grep -o 'models/[a-z/-]*\.json'); do
		[ -f "$root/$file" ] || { echo "sslc help $command: there is no $file"; failed=1; }
	done
done
exit $failed
