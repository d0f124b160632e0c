#!/bin/sh
# A difference of scores counts where it is more than the noise of the test samples, whatever the metric and however it
# was given: none on labels that are random, a clear one on labels that the features hold.
# usage: verdict.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# 260 samples of 4 bytes; the label is the sample's first bit, or random.
LC_ALL=C awk 'BEGIN {
	srand(1)
	printf "%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 2, 0, 0, 1, 4, 0, 0, 0, 4 >"x.idx"
	for (f = 0; f < 2; f++) printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 1, 4 >(f ? "noise.idx" : "true.idx")
	for (i = 0; i < 260; i++) {
		for (k = 0; k < 4; k++) { x[k] = int(rand() * 256); printf "%c", x[k] >"x.idx" }
		printf "%c", (x[0] >= 128) >"true.idx"
		printf "%c", int(rand() * 2) >"noise.idx"
	}
}'

model() { # LABELS METRIC BATCH
	cat >model.json <<-MODEL
		{
		  "name": "verdict",
		  "data": "idx('x.idx', '$1.idx', test=0.2)",
		  "encoder": [$encoder],
		  "decoder": ["linear(4)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 2, "batch": 16},
		  "define": {"blank(x)": "x * 0"},
		  "downstream": {"probe": {
		    "freeze": ["encoder"], "head": ["linear(2)"], "loss": "cross_entropy(head(encoder(x)), label)", $2
		    "optimizer": "adam(lr=0.05)", "train": {"epochs": 30, "batch": ${3:-16}}}}
		}
	MODEL
	"$sslc" run model.json --out out >out.txt
}

says() { # TEXT ...
	for text in "$@"; do
		grep -q -- "$text" out.txt || {
			echo "'$text' is not in:"
			cat model.json out.txt
			exit 1
		}
	done
}

# With scratch as the only baseline, it is the one that counts.
encoder='"linear(4)"'
model noise '"baselines": ["scratch"],'
says 'probe: no clear help from self-supervision: .* no different from training from scratch on the labels'
model noise '"baselines": [],'
says 'probe: pre-trained has accuracy'

# 52 test samples: 3 full batches and a rest of 4.
for metric in '' '"metric": "accuracy(head(encoder(x)), label)",' '"metric": "cross_entropy(head(encoder(x)), label)",' \
	'"metric": "-l1(softmax(head(encoder(x))), one_hot(label, 2))",' '"metric": "-sqrt(mse(softmax(head(encoder(x))), one_hot(label, 2)))",'; do
	model noise "$metric"
	says 'probe: no clear help from self-supervision' 'no different from the same networks with random weights'
	grep -q '"gain_low": -.*"gain_high": [0-9]' out/results.json || { echo "no interval around 0 in results.json"; cat out/results.json; exit 1; }
done

# One batch of all test samples, and a metric that is no mean of theirs, is one number: it tells nothing.
model true '"metric": "-sqrt(mse(softmax(head(encoder(x))), one_hot(label, 2)))",' 52
says 'random weights .* not known' 'by one value not told from the same networks with random weights'
grep -q '"gain_low": null, "gain_high": null' out/results.json

# The default and the same metric in words are one: name, numbers, sentence.
numbers() { sed -n '/^probe:/,$s/ *[0-9.]* s$//p' out.txt | grep -v '^in '; }
model true ''
numbers >default.txt
model true '"metric": "accuracy(head(encoder(x)), label)",'
numbers >explicit.txt
diff -u default.txt explicit.txt

# What no one can miss: features that are all 0, beside the raw input. A loss is the better the lower it is.
encoder='"linear(4)", "blank"'
for metric in '' '"metric": "accuracy(head(encoder(x)), label)",' '"metric": "cross_entropy(head(encoder(x)), label)",' \
	'"metric": {"z": "head(encoder(x))", "y": "cross_entropy(z, label)"},' \
	'"metric": "1 - accuracy(head(encoder(x)), label)",' '"metric": "cross_entropy(head(encoder(x)), label) / 2 + 0",' \
	'"metric": {"z": "softmax(head(encoder(x)))", "y": "mse(z, one_hot(label, 2))", "r": "1 - y / 0.25", "w": "-2 * r"},' \
	'"metric": "1 - mse(softmax(head(encoder(x))), one_hot(label, 2)) / 0.25",'; do
	model true "$metric"
	says 'probe: self-supervision did not help' 'worse than the raw input'
done
# Such networks can say but the commonest class, and are told so.
model true ''
says 'no better than always saying the commonest class ([0-9.]* %)'
grep -q '"commonest_class": 0\.[0-9]*' out/results.json

# Test samples that are trained on, too, are counted.
head -c 8 x.idx >twice.idx
printf '\0\0\0\4' >>twice.idx
for i in 1 2; do tail -c 520 x.idx; done >>twice.idx
sed "s/'x.idx'/'twice.idx'/" model.json >twice.json
"$sslc" run twice.json --out out >out.txt 2>&1
says '[0-9]* of 52 test samples are equal to samples that are trained on: memory alone scores them'
! "$sslc" run model.json --out out 2>&1 | grep -q 'equal to samples' || die "no sample is in both splits"
