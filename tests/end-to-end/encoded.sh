#!/bin/sh
# A task on a frozen encoder finds what that says of each sample once: the same results to the bit as where it must be found
# anew at every step, on any number of threads, of all samples and of some.
# usage: encoded.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

LC_ALL=C awk 'BEGIN {
	srand(1)
	printf "%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 3, 0, 0, 0, 211, 0, 0, 0, 9, 0, 0, 0, 7 >"x.idx"
	printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, 211 >"y.idx"
	for (i = 0; i < 211; i++) {
		for (k = 0; k < 63; k++) printf "%c", 1 + 100 * (i % 2) + int(rand() * 110) >"x.idx"
		printf "%c", i % 2 >"y.idx"
	}
}'
run() { # FILE SEES LABELS [OPTIONS]
	cat >model.json <<-MODEL
		{
		  "data": "idx('x.idx', 'y.idx', test=0.2)",
		  "encoder": ["with_channels", "conv(5, 3)", "batch_norm", "relu", "conv(6, 3, stride=2)", "flatten"],
		  "decoder": ["linear(63)"],
		  "loss": "mse(decoder(encoder(x)), flatten(x))",
		  "train": {"epochs": 1, "batch": 16},
		  "downstream": {"probe": {
		    "freeze": ["encoder"], "labels": $3, "head": ["batch_norm", "linear(2)"], "baselines": ["random", "raw"],
		    "loss": "cross_entropy(head(encoder($2)), label)",
		    "optimizer": "adam(lr=0.05)", "train": {"epochs": 3, "batch": 7}}}
		}
	MODEL
	"$sslc" check model.json >functions
	"$sslc" run model.json --out out --seed 5 ${4:-} >out.txt
	sed 's/, "seconds": [^,]*//' out/results.json >"$1"
}

# Random numbers, of which none is left in the sum.
anew="select(uniform(shape(x)) > 2, 0, x)"
for labels in 0.5 40 0.999; do
	run once x $labels
	grep -q '^probe.encode ' functions || die "the encoder is not found once"
	run threads x $labels "--threads 2"
	run anew "$anew" $labels
	if grep -q '^probe.encode ' functions; then
		die "what is random is kept"
	fi
	diff -u once threads
	diff -u once anew
done
