#!/bin/sh
# The cache of compiled code never changes a result: cold, warm, switched off, damaged, shared by several processes, not
# writable; and another processor's code is not taken for this one's.
# usage: object_cache.sh <path to sslc>
set -eu
sslc=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
temp=$(mktemp -d)
trap 'chmod -R u+w "$temp"; rm -rf "$temp"' EXIT
cd "$temp"
losses() { sed 's/, "seconds": [^}]*//' "$1/metrics.jsonl"; }
train() { # name, cache, more options
	name=$1 cache=$2
	shift 2
	SSLC_CACHE=$cache "$sslc" run "$root/models/autoencoder.json" --quiet --out "$name" "$@"
}
same() { losses "$1" | cmp - want || { echo "$2"; exit 1; }; }

train off off
losses off >want
[ ! -e cache ]
train cold "$temp/cache"
same cold "the cold cache changed the losses"
files=$(ls cache | wc -l)
[ "$files" -ge 3 ]
train warm "$temp/cache"
same warm "the warm cache changed the losses"
[ "$(ls cache | wc -l)" = "$files" ]

for file in cache/*; do
	printf '\377' | dd of="$file" bs=1 seek=3000 conv=notrunc 2>/dev/null
done
train damaged "$temp/cache"
same damaged "a damaged cache changed the losses"
for file in cache/*; do
	head -c 100 "$file" >short && mv short "$file"
done
train short "$temp/cache"
same short "a cache of cut files changed the losses"
for file in cache/*; do [ "$(wc -c <"$file")" -gt 100 ] || { echo "a cut file was not written anew"; exit 1; }; done

rm -r cache
for i in 1 2 3 4 5; do train "shared$i" "$temp/cache" & done
wait
for i in 1 2 3 4 5; do same "shared$i" "processes that share a cache disturb each other"; done

echo text >file
train nowhere "$temp/file/below"
same nowhere "a cache that cannot be made changed the losses"

train other "$temp/cache" --cpu x86-64
[ "$(ls cache | wc -l)" -gt "$files" ] || { echo "another processor's code came from the cache"; exit 1; }
