#!/bin/sh
# sslc new writes each model that is shipped so that it can be used; sslc features needs no training of a random one.
# usage: new.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

"$sslc" models >list
"$sslc" new --list | diff list -
[ "$(awk '{ about = $0; sub(/^[^ ]+ +/, "", about); print length($0) - length(about) }' list | sort -u | wc -l)" = 1 ] ||
	{ echo "the names are wider than their column"; exit 1; }
[ "$(wc -l <list)" = "$(ls "$root"/models/*.json "$root"/models/*/*.json | grep -vc /models/lib/)" ]
for method in $(cut -d ' ' -f 1 list); do
	"$sslc" new "$method" >/dev/null
	"$sslc" dump --stage=parse "$method.json" >"$method.new"
	origin=$(ls "$root"/models/"$method".json "$root"/models/*/"$method".json "$root"/models/*/"$method"-fashion.json 2>/dev/null || :)
	[ -n "$origin" ]
	"$sslc" dump --stage=parse "$origin" | grep -v '^  "name"' >"$method.old"
	grep -v '^  "name"' "$method.new" | diff "$method.old" -
	grep -q "^  \"name\": \"$method\"" "$method.new"
done
"$sslc" new simclr --out mine.json >out.txt
grep -q 'sslc run mine.json' out.txt
grep -q '"loss: one number to be made small"' mine.json

# Random weights are those that a run begins with.
"$sslc" new autoencoder --out model.json >/dev/null
sed -i 's/adam(lr=0.01)/sgd(0)/; s/"epochs": 100/"epochs": 1/' model.json
"$sslc" run model.json --seed 4 --quiet
"$sslc" features model.json --out trained.npy >/dev/null
"$sslc" features model.json --random --seed 4 --out random.npy >/dev/null
"$sslc" features model.json --random --seed 5 --out other.npy >/dev/null
cmp trained.npy random.npy
if cmp -s random.npy other.npy; then
	echo "two seeds gave the same features"
	exit 1
fi
