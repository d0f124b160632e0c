#!/bin/sh
# A metric of a task that collects is of all test samples at once, not a mean over batches; it may see a bank, too.
# usage: collect.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# 160 samples to train on, 40 to test, of 2 classes with an axis each; the test sample i is i + 1, those of class 1 last.
idx() { # NAME COUNT
	LC_ALL=C awk -v x="$1.x" -v y="$1.y" -v n="$2" 'BEGIN {
		printf "%c%c%c%c%c%c%c%c%c%c%c%c", 0, 0, 8, 2, 0, 0, 0, n, 0, 0, 0, 2 >x
		printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, n >y
		for (i = 0; i < n; i++) { one = i >= n / 2; printf "%c%c", one ? i + 1 : 0, one ? 0 : i + 1 >x; printf "%c", one >y }
	}'
}
idx train 160
idx test 40
run() { # TASK: what it has beside its batch
	cat >model.json <<-MODEL
		{
		  "data": "idx('train.x', 'train.y', 'test.x', 'test.y')",
		  "encoder": ["linear(3)"],
		  "decoder": ["linear(2)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  "train": {"epochs": 1, "batch": 16},
		  "downstream": {"t": {$1, "train": {"epochs": 1, "batch": 7}}}
		}
	MODEL
	"$sslc" check model.json >check.txt
	grep -q '^t.collect ' check.txt
	"$sslc" run model.json --out out --seed 3 --threads 2 >out.txt
	cat out.txt out/results.json >all
}
wants() { # TEXT
	grep -q "$1" all || { echo "'$1' is not in:"; cat all; exit 1; }
}
kept='"collect": {"both": "[sum(x, 1) * 255, label]", "value": "both[0]", "kind": "both[1]"}'
head='"head": ["linear(2)"], "loss": "cross_entropy(head(x), label)", "baselines": ["scratch"]'

# Each sample is there once and in order, though 7 does not divide 40: what a list was for is not kept.
run "$head, $kept, \"metric\": \"sum((value - cast(iota([40]) + 1, 'float'))^2) + sum(cast(kind, 'float'))\""
wants 'metric over 40 test samples, trained on 160'
wants '"score": 20,'
wants 'from scratch'

# 1 exactly if sums are over all samples: the standard deviation of 1 to 40, which no mean over batches is.
run "$head, $kept, \"metric\": \"std(value) / sqrt((40^2 - 1) / 12)\""
wants '"score": 1,'

# A metric that is no number is not a training that diverged.
run "$head, $kept, \"metric\": \"mean(value) * log(0 - 1)\""
wants 't: no clear help from self-supervision: the metric is not finite on the pre-trained networks, no different from .* (not finite)'
wants '"score": null, .*"not_finite": true'

# Beside a bank: what is collected sees it.
run '"freeze": ["encoder"], "bank": {"features": "encoder(x)", "labels": "label"}, "collect": {"votes": "knn(encoder(x), features, labels, 5)", "own": "label"}, "metric": "accuracy(votes, own)"'
wants 'raw input *100.00 %'
wants 'with a bank of 160'

# Of a mean over samples the interval of the gain is known, Student's: what resampling finds is as wide, to what 50 draws tell.
task='"freeze": ["encoder"], "baselines": ["random"], "train": {"batch": 10}'
cat >model.json <<-MODEL
	{
	  "data": "idx('train.x', 'train.y', 'test.x', 'test.y')",
	  "encoder": ["linear(3)"],
	  "decoder": ["linear(2)"],
	  "loss": "mse(decoder(encoder(x)), x)",
	  "train": {"epochs": 1, "batch": 16},
	  "downstream": {
	    "each": {$task, "metric": "mean(sum(encoder(x)^2, 1))"},
	    "all": {$task, "collect": {"size": "sum(encoder(x)^2, 1)"}, "metric": "mean(size)"},
	    "off": {$task, "metric": "focal_loss(encoder(x), 0 * encoder(x))"},
	    "root": {$task, "metric": "sqrt(mse(encoder(x), 0 * encoder(x)))"},
	    "bits": {$task, "metric": {"l": "mse(encoder(x), 0 * encoder(x))", "k": "l", "y": "exp(bits_per_byte(k))"}},
	    "more": {$task, "metric": {"l": "mse(encoder(x), 0 * encoder(x))", "y": "sqrt(2 - l)"}}
	  }
	}
MODEL
"$sslc" run model.json --out out --seed 3 --threads 2 >out.txt
# Without a loss and a bank nothing is trained, and no sample of the train split is asked.
grep -q '^all: mean over 40 test samples$' out.txt
grep '"task": "all"' out/results.json | grep -q '"train_loss": null, .*"trained_on": 0, "steps": 0}'
# What the library calls a loss is the better the lower, in whichever of its files it stands.
grep '"task": "off"' out/results.json | tr ',' '\n' | awk -F': ' '
	/"score"/ { score[++n] = $2 }
	/"gain_/ { gain += $2 / 2 }
	END { d = score[2] - score[1] - gain; if (n != 2 || !(d * d < 1e-10)) { print "a loss is " score[1] " beside " score[2] ", a gain of " gain; exit 1 } }'
# So is what rises with it, by whatever names; what does not, is not.
grep -c '"task": "\(root\|bits\)".*"higher_is_better": false' out/results.json | grep -qx 4
grep -c '"task": "more".*"higher_is_better": true' out/results.json | grep -qx 2
sed -n 's/.*"gain_low": \([^,]*\), "gain_high": \([^,]*\),.*/\1 \2/p' out/results.json | awk '
	{ low[NR] = $1; high[NR] = $2 }
	END {
		middle = (low[1] + high[1] - low[2] - high[2]) / 2; wide = (high[2] - low[2]) / (high[1] - low[1])
		if (NR == 6 && middle^2 < 1e-10 && wide > 0.7 && wide < 1.4) exit 0
		print "gains: " low[1] " to " high[1] ", resampled " low[2] " to " high[2]; exit 1
	}'
