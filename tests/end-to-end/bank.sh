#!/bin/sh
# A task with a bank trains nothing: it keeps values of every sample that it may learn from, and its metric sees them all.
# usage: bank.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# 200 samples of 2 classes, of which each has an axis of its own: the nearest by angle are always of the same class.
LC_ALL=C awk 'BEGIN {
	printf "%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 2, 0, 0, 0, 200, 0, 0, 0, 2 >"x.idx"
	printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, 200 >"y.idx"
	for (i = 0; i < 200; i++) { printf "%c%c", i % 2 ? 1 + i : 0, i % 2 ? 0 : 1 + i >"x.idx"; printf "%c", i % 2 >"y.idx" }
}'
run() { # METRIC [LABELS]
	cat >model.json <<-MODEL
		{
		  "data": "idx('x.idx', 'y.idx', test=0.2)",
		  "encoder": ["linear(3)"],
		  "decoder": ["linear(2)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 1, "batch": 16},
		  "downstream": {"near": {
		    "freeze": ["encoder"], ${2:+"\"labels\": $2,"}
		    "bank": {"features": "encoder(x)", "labels": "label", "one": "labels - labels + 1"},
		    "metric": "$1", "train": {"batch": 7}}}
		}
	MODEL
	"$sslc" check model.json >/dev/null
	"$sslc" run model.json --out out --seed 3 --threads 2 >out.txt
	cat out.txt out/results.json >all
}
wants() { # TEXT
	grep -q "$1" all || { echo "'$1' is not in:"; cat all; exit 1; }
}
run "accuracy(knn(encoder(x), features, labels, 5), label)"
wants 'near: accuracy over 40 test samples, with a bank of 160'
wants 'raw input *100.00 %'
wants 'random weights .*  - '
wants '"train_loss": null'
if grep -q 'from scratch' all; then
	echo "a baseline trained that cannot"
	exit 1
fi

# All rows are there, once, though 7 divides neither 160 nor 40; of 20 of each class, 40, half of them of class 1.
run "sum(cast(one, 'float'))"
wants '"score": 160,'
run "sum(cast(one, 'float')) + sum(cast(labels, 'float')) / 100" 20
wants '"score": 40.2'
wants 'with a bank of 40'
