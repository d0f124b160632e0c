#!/bin/sh
# sslc run --profile lists every kernel once, its shares add up to 100 %, and training is what it was without.
# usage: profile.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
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
# profile.json says the same: every kernel, the efficiency from its own numbers, places that add up
python3 - text with/profile.json <<'EOF'
import json, re, sys
text, p = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))
kernels = p["kernels"]
assert sorted(k["number"] for k in kernels) == sorted(int(n) for n in re.findall(r"^@(\d+)", text, re.M)), "kernels"
total = sum(k["seconds"] for k in kernels)
asked = sum(min(k["seconds"], k["roof_seconds"]) for k in kernels)
assert abs(p["seconds"] - total) < 1e-4 * total, "the seconds are not the sum"
waited, share = map(float, re.search(r"^it waited (\S+) us for its batch: (\S+)% of the time$", text, re.M).groups())
assert abs(waited - 1e6 * p["waited_seconds"]) < 0.06, "waited"
assert abs(share - 100 * p["waited_seconds"] / (p["waited_seconds"] + total)) < 0.06, "share of waiting"
assert all(0 < k["least_seconds"] <= k["seconds"] * (1 + 1e-4) for k in kernels), "the shortest of the times is no longer than their mean"
assert abs(p["efficiency"] - asked / total) < 1e-4, "efficiency"
shown = int(re.search(r"^efficiency (\d+)%", text, re.M)[1])
assert abs(shown - 100 * asked / total) <= 0.51, "efficiency as printed"
above = {}
for k in kernels:
    place = (k["file"], k["line"], k["column"])
    above[place] = above.get(place, 0) + max(0, k["seconds"] - k["roof_seconds"])
places = [((q["file"], q["line"], q["column"]), q["seconds_above"]) for q in p["places"]]
assert len(places) == len(above) and all(abs(above[at] - s) < 1e-4 * total for at, s in places), "places"
assert [s for _, s in places] == sorted((s for _, s in places), reverse=True), "order of places"
first = re.search(r"goes to\n.*?(\S+):(\d+):(\d+)(?:  ([^\n]*))?$", text, re.M | re.S)
assert first and (first[1].split("\n")[-1], int(first[2]), int(first[3])) == places[0][0], first
# what stands there, the time of all of it, and its kernel that takes most above its roof
at = {(q["file"], q["line"], q["column"]): q for q in p["places"]}
assert first[4] == p["places"][0]["words"], first
for place, q in at.items():
    own = [k for k in kernels if (k["file"], k["line"], k["column"]) == place]
    line = open(q["file"], encoding="utf-8").read().split("\n")[q["line"] - 1]
    assert line[q["column"] - 1 :].startswith(q["words"]), q
    assert abs(q["seconds"] - sum(k["seconds"] for k in own)) < 1e-4 * total, q
    worst = max(own, key=lambda k: max(0, k["seconds"] - k["roof_seconds"]))
    assert q["worst"] == worst["number"] or not q["seconds_above"], q
EOF
# equal kernels run one code: of three equal layers those behind the first need none of their own
cat >equal.json <<'EOF'
{"name": "equal", "data": "normal(64, 16)", "encoder": ["repeat(3, layer)"], "define": {"layer": ["linear(16)", "tanh"]},
 "loss": "mse(encoder(x), x)", "optimizer": "sgd(0.01)", "train": {"epochs": 2, "batch": 64}}
EOF
"$sslc" run equal.json --profile --threads 1 --out equal >text
python3 - text equal/profile.json <<'EOF'
import json, re, sys
text, p = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))
by_number = {k["number"]: k for k in p["kernels"]}
reused = [k for k in p["kernels"] if k["code_of"] != k["number"]]
for k in reused:
    first = by_number[k["code_of"]]
    assert k["code_of"] < k["number"] and (first["kind"], first["shape"]) == (k["kind"], k["shape"]), k
    assert first["code_of"] == first["number"], first
assert any(k["shape"] == "64 x 16 x 16" for k in reused), "no layer runs the code of another"
counts = re.search(r"in (\d+) kernels, (\d+) of them compiled, (\d+) reused;", text)
want = (len(p["kernels"]), p["kernels_compiled"], p["kernels_reused"])
assert tuple(map(int, counts.groups())) == want and p["kernels_reused"] == len(reused), (counts[0], want)
EOF
strip() { sed 's/, "seconds": [^}]*//' "$1"; }
strip with/metrics.jsonl >a
strip without/metrics.jsonl >b
cmp a b
