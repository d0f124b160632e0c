#!/bin/sh
# sslc report: its page holds the numbers of metrics.jsonl and results.json, says what is missing, and refers to nothing
# outside. What reads the page here is Python's html.parser and json. With chromium (optional), it is drawn without errors.
# usage: report.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# 60 pictures of 5 x 6 bytes, of which the label is the first bit; beside a model in a folder of its own.
mkdir models
LC_ALL=C awk 'BEGIN {
	srand(1)
	printf "%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 5, 0, 0, 0, 6 >"models/x.idx"
	printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, 60 >"models/y.idx"
	for (i = 0; i < 60; i++) {
		for (k = 0; k < 30; k++) { x[k] = int(rand() * 256); printf "%c", x[k] >"models/x.idx" }
		printf "%c", (x[0] >= 128) >"models/y.idx"
	}
}'
cat >models/pictures.json <<-'MODEL'
	{
	  "name": "pictures <!--<script> & more",
	  "data": "idx('x.idx', 'y.idx', test=0.5)",
	  "pretext": {"noisy": "gaussian_noise(x, 0.1)", "same": "x"},
	  "encoder": ["flatten", "linear(7)"],
	  "decoder": ["linear(30)", "sigmoid"],
	  "loss": {"made": "decoder(encoder(noisy))", "negative": "reshape(1 - made, shape(x))", "loss": "mse(made, flatten(x))"},
	  "train": {"epochs": 3, "batch": 8},
	  "downstream": {"probe": {"freeze": ["encoder"], "head": ["linear(2)"],
	    "loss": "cross_entropy(head(encoder(x)), label)", "train": {"epochs": 2, "batch": 8}}}
	}
MODEL
"$sslc" run models/pictures.json --quiet --profile --out a >/dev/null
"$sslc" run models/pictures.json --quiet --seed 1 --out b
"$sslc" run "$root/models/autoencoder.json" --quiet --out vectors
"$sslc" run models/pictures.json --quiet --steps 5 --out half
"$sslc" run models/pictures.json --quiet --seeds 2 --out many
"$sslc" run models/pictures.json --quiet --seeds 2 --seed 4 --out many
cp -r a broken
echo '{"step": 4' >broken/metrics.jsonl
echo '[1' >>broken/metrics.jsonl
rm broken/checkpoint.safetensors
echo none >broken/results.json
cp -r a moved
rm moved/run.json

"$sslc" report a b vectors half many broken moved --out page.html >said
grep -q '^report of 7 runs in page.html (' said
"$sslc" report moved --data models --out moved.html --samples 10 >/dev/null

cat >check.py <<-'CHECK'
	import base64, json, re, struct, sys, zlib
	from page import page

	def same_files(run, folder, results=None):
	    curves = {}
	    for line in open(folder + "/metrics.jsonl"):
	        line = json.loads(line)
	        for name, value in line.items():
	            if name not in ("step", "epoch", "seconds"):
	                curves.setdefault(name, []).append((line["step"], value))
	    assert curves and set(curves) == set(run["curves"]), folder
	    for name, points in curves.items():
	        assert list(zip(run["curves"][name]["step"], run["curves"][name]["value"])) == points, (folder, name)
	    assert run["results"] == json.load(open((results or folder) + "/results.json")), folder
	    assert run["model"] == open(folder + "/model.json").read()

	def png(uri):
	    bytes = base64.b64decode(uri.split(",")[1], validate=True)
	    assert bytes[:8] == b"\x89PNG\r\n\x1a\n"
	    at, rows = 8, b""
	    while at < len(bytes):
	        size, kind = struct.unpack(">I4s", bytes[at:at + 8])
	        assert zlib.crc32(bytes[at + 4:at + 8 + size]) == struct.unpack(">I", bytes[at + 8 + size:at + 12 + size])[0]
	        if kind == b"IHDR":
	            shape = struct.unpack(">II", bytes[at + 8:at + 16])
	        rows += bytes[at + 8:at + 8 + size] if kind == b"IDAT" else b""
	        at += 12 + size
	    zlib.decompress(rows)
	    return shape

	data = page("page.html")
	a, b, vectors, half, many, broken, moved = data["runs"]
	same_files(a, "a"), same_files(b, "b"), same_files(vectors, "vectors"), same_files(many, "many/seed-5", "many")
	assert a["name"] == "pictures <!--<script> & more" and "no_results" not in a and "stopped" not in a
	assert a["profile"]["kernels"] and a["profile"]["count"] == len(json.load(open("a/profile.json"))["kernels"])
	assert a["profile"]["kernels"] == sorted(a["profile"]["kernels"], key=lambda k: -k["seconds"])
	assert "profile.json" in b["no_profile"]

	# Views: the data, the pretext but what is the data itself, what the decoder made, and what is named in the loss.
	assert [v["name"] for v in a["views"]] == ["x", "noisy", "decoder", "negative"], a["views"]
	assert all(png(v["png"]) == (v["width"], v["height"]) == (48, 5) for v in a["views"])
	assert [v["name"] for v in vectors["views"]] == ["x", "decoder"] and all(len(v["lines"]) == 8 and len(v["lines"][0]) == 20 for v in vectors["views"])

	# Maps: one picture sheet for all runs on the same data, labels as in the file, places that are numbers.
	labels = open("models/y.idx", "rb").read()[8:]
	m = a["map"]
	assert m["atlas"] == b["map"]["atlas"] == many["map"]["atlas"] == 0 and len(data["atlases"]) == 1 and vectors["map"]["atlas"] == -1
	sheet = data["atlases"][0]
	assert png(sheet["png"]) == (6 * sheet["width"], 5 * sheet["height"]) == (36, 25)
	assert m["split"] == "test" and m["width"] == 7 and sorted(m["rows"]) == list(range(30))
	for plane in (m["pca"], m["tsne"]):
	    assert len(plane["x"]) == len(plane["y"]) == 30 and all(isinstance(v, (int, float)) for v in plane["x"] + plane["y"])
	assert 0.3 < sum(m["pca"]["share"]) <= 1 and m["pca"]["share"][0] >= m["pca"]["share"][1]
	assert len(set(m["labels"])) == 2 and "labels" not in vectors["map"]

	# What is missing says so, and the rest is there.
	assert half["results"] is None and "not ended" in half["no_results"] and half["map"]["pca"]
	assert "seed-5" in many["seeds_note"] and many["results"]["downstream"][0]["scores"]
	assert broken["curves"] is None and "line 1" in broken["no_curves"] and "results.json" in broken["no_results"]
	assert "checkpoint.safetensors" in broken["stopped"] and "views" not in broken and broken["profile"]
	assert "x.idx" in moved["stopped"] and moved["curves"]
	(found,) = page("moved.html")["runs"]
	assert "stopped" not in found and len(found["map"]["rows"]) == 10
CHECK
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tests/end-to-end/shared" python3 check.py

# Errors: no page, and the page that was there stays.
. "$root/tests/end-to-end/shared/refused.sh"
cp page.html before.html
fails 1 "'models' is no folder of a run: it has no model.json" report a models --out page.html
fails 1 "'none' is no folder of a run: it has no model.json" report none
mkdir mine-sweep
echo '{}' >mine-sweep/sweep.json
fails 1 'it is of a sweep, whose runs are the folders in it: mine-sweep/001' report mine-sweep
fails 2 'needs a folder of a run' report
fails 2 'at most 12 folders' report a a a a a a a a a a a a a
fails 2 'a page holds' report a --samples 100000
fails 4 'no/where.html' report a --out no/where.html
cmp page.html before.html
[ ! -e report.html ]

command -v chromium >/dev/null || exit 0
for width in 400 1280; do
	chromium --headless --no-sandbox --disable-gpu --user-data-dir="$temp/browser" --window-size=$width,2000 --virtual-time-budget=2000 \
		--enable-logging=stderr --dump-dom "file://$temp/page.html" >dom.html 2>log.txt || { echo "chromium does not run"; exit 0; }
	! grep -i 'CONSOLE' log.txt || die "the page's script complains"
	[ "$(grep -o '<svg' dom.html | wc -l)" -gt 20 ]
	grep -q 'no different from\|better than\|worse than' dom.html
done
