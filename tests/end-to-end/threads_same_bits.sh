#!/bin/sh
# One, two and seven threads train to the same bytes; so does the same command again; another seed does not.
# usage: threads_same_bits.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
. "$root/tests/end-to-end/shared/same_bits.sh"
same_bits
"$sslc" run model.json --quiet --out again
cmp out1/checkpoint.safetensors again/checkpoint.safetensors
"$sslc" run model.json --quiet --seed 9 --out other
if cmp -s out1/checkpoint.safetensors other/checkpoint.safetensors; then
	echo "another seed gave the same weights"
	exit 1
fi
