#!/bin/sh
# sslc run --profile lists every kernel once, its shares add up to 100 %, and training is what it was without.
# usage: profile.sh <path to sslc>
set -eu
sslc=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
"$sslc" run "$root/models/autoencoder.json" --profile --threads 2 --out with >text
"$sslc" run "$root/models/autoencoder.json" --quiet --threads 2 --out without
kernels=$(sed -n 's/^a step of step: .* in \([0-9]*\) kernels.*/\1/p' text)
grep '^@' text | awk -v want="$kernels" '
	{ for (i = 1; i <= NF; i++) if ($i ~ /%$/) { share += $i; break } seen[$1]++; if ($NF !~ /:[0-9]+:[0-9]+$/) { print "no place: " $0; bad = 1 } }
	END {
		for (k in seen) count++
		if (count != want || NR != want) { print NR " lines of " count " kernels, not " want; bad = 1 }
		if (share < 99 || share > 101) { print "the shares add up to " share; bad = 1 }
		exit bad
	}'
strip() { sed 's/, "seconds": [^}]*//' "$1"; }
strip with/metrics.jsonl >a
strip without/metrics.jsonl >b
cmp a b
