#!/bin/sh
# Average precision of a whole test set is pycocotools'; and what a detector learns from boxes in the data, it finds.
# usage: detection.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
oracle=$root/tests/oracle/detection
score() { # the first score of results.json
	sed -n 's/.*"networks": "pre-trained".*"score": \([^,]*\),.*/\1/p' out/results.json
}

cat >stored.json <<MODEL
{
  "data": "npy('$oracle/found.npy', '$oracle/there.npy', '$oracle/found.npy', '$oracle/there.npy')",
  "encoder": ["linear(1)"],
  "loss": "mean(encoder(x)^2)",
  "train": {"epochs": 1, "batch": 100},
  "downstream": {"stored": {
    "loss": "mean(encoder(x)^2)",
    "collect": {"found": "x", "boxes": "label"},
    "metric": "average_precision(found, boxes, 4)",
    "baselines": [],
    "train": {"epochs": 1, "batch": 70}
  }}
}
MODEL
"$sslc" run stored.json --out out --quiet --threads 2 >out.txt
score | awk -v want="$(cat "$oracle/precision.txt")" '{ d = $1 - want; if (!(d * d <= 1e-10)) { print "the score is " $1 ", but pycocotools has " want; exit 1 } got = 1 } END { exit !got }'

# Canvases of 24 x 24 with one or two rectangles, full (class 0) or hollow (class 1); the boxes are i32 [2, 5], with -1 where
# there is no second one.
LC_ALL=C awk 'function npy(file, type, shape,   text) {
	text = sprintf("{\047descr\047: \047%s\047, \047fortran_order\047: False, \047shape\047: %s}", type, shape)
	while (length(text) % 64 != 53) text = text " "
	printf "%cNUMPY%c%c%c%c%s\n", 147, 1, 0, (length(text) + 1) % 256, (length(text) + 1) / 256, text >file
}
function word(v) { v = v < 0 ? v + 4294967296 : v; printf "%c%c%c%c", v % 256, int(v / 256) % 256, int(v / 65536) % 256, int(v / 16777216) >"boxes.npy" }
BEGIN {
	srand(5); n = 400
	npy("canvases.npy", "|u1", "(400, 24, 24)")
	npy("boxes.npy", "<i4", "(400, 2, 5)")
	for (i = 0; i < n; i++) {
		for (p = 0; p < 576; p++) at[p] = int(40 * rand())
		many = rand() < 0.5 ? 1 : 2
		for (k = 0; k < 2; k++) {
			if (k >= many) { word(0); word(0); word(0); word(0); word(-1); continue }
			w = 6 + int(5 * rand()); h = 6 + int(5 * rand()); c = int(2 * rand())
			x0 = (k ? 12 : 0) + int((13 - w) * rand()); y0 = int((25 - h) * rand())
			for (y = y0; y < y0 + h; y++) for (x = x0; x < x0 + w; x++)
				if (!c || y < y0 + 2 || y >= y0 + h - 2 || x < x0 + 2 || x >= x0 + w - 2) at[24 * y + x] = 200
			word(x0); word(y0); word(x0 + w); word(y0 + h); word(c)
		}
		for (p = 0; p < 576; p++) printf "%c", at[p] >"canvases.npy"
	}
}'
cat >detect.json <<'MODEL'
{
  "data": "npy('canvases.npy', 'boxes.npy', test=0.25)",
  "define": {"layer(width)": ["conv(width, 3, stride=2, bias=0)", "batch_norm", "relu"]},
  "encoder": ["with_channels", "layer(16)", "layer(32)"],
  "loss": "mean((encoder(x) - encoder(random_flip(x)))^2)",
  "features": "mean_pool(encoder(x))",
  "train": {"epochs": 1, "batch": 50},
  "downstream": {"detect": {
    "head": ["conv(32, 3)", "relu", "conv(7, 1)"],
    "loss": "detection_loss(head(encoder(x)), cast(label, 'float'))",
    "collect": {"found": "detections(head(encoder(x)), keep=4, candidates=20)", "boxes": "cast(label, 'float')"},
    "metric": "average_precision(found, boxes, 2)",
    "optimizer": "adamw(cosine(0.01))",
    "baselines": [],
    "train": {"epochs": 60, "batch": 30}
  }}
}
MODEL
"$sslc" run detect.json --out out --quiet --threads 2 >out.txt
score | awk '{ if (!($1 > 0.8)) { print "average precision is " $1; exit 1 } got = 1 } END { exit !got }'
