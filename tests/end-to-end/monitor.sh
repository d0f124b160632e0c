#!/bin/sh
# sslc run --monitor writes what the features look like, says when they collapse, and changes nothing.
# usage: monitor.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

model() { # LOSS
	cat >model.json <<-MODEL
		{
		  "name": "small",
		  "data": "normal(96, 8)",
		  "encoder": ["linear(6)"],
		  "loss": "$1",
		  "optimizer": "adam(lr=0.05)",
		  "train": {"epochs": 40, "batch": 32}
		}
	MODEL
}
model "vicreg(encoder(gaussian_noise(x)), encoder(gaussian_noise(x)))"
"$sslc" run model.json --out plain >plain.txt
"$sslc" run model.json --out watched --monitor >watched.txt
cmp plain/checkpoint.safetensors watched/checkpoint.safetensors
grep -v -e feature_ -e uniformity -e gradient_norm -e learning_rate -e alignment watched/metrics.jsonl | sed 's/"seconds".*//' >a
sed 's/"seconds".*//' plain/metrics.jsonl | diff - a
for name in feature_rank feature_std uniformity gradient_norm gradient_norm.encoder learning_rate alignment; do
	[ "$(grep -c "\"$name\": -\?[0-9]" watched/metrics.jsonl)" = 40 ]
done
grep -q 'loss .*  rank [3-6]\.[0-9]  spread [01]\.[0-9]*  [0-9]* samples/s' watched.txt
if grep -q collapse watched.txt plain.txt; then
	echo "features that are spread collapsed"
	exit 1
fi
model "mean((encoder(x) - stop_gradient(mean(encoder(x), 0, keep=1)))^2) + mean((mean(encoder(x), 0) - 1)^2)"
"$sslc" run model.json --out collapsed --monitor --epochs 400 >out.txt
grep -q 'note  *complete collapse: all samples have nearly the same features' out.txt || {
	cat out.txt
	exit 1
}

# The encoder goes with one weight alone: a line in six dimensions, on which samples are far apart.
model "0 * mean(encoder(x))"
sed -i 's/"encoder": .*/"define": {"line(x)": "linear(x, 1) * (1 + iota([1, 6], 1))"}, "encoder": ["line"],/' model.json
"$sslc" run model.json --out line --monitor --epochs 2 >out.txt
grep -q 'note  *dimensional collapse: the features use 1.0 of 6 dimensions' out.txt || {
	cat out.txt
	exit 1
}

# Closed forms: a mean of 4 weights times 3 has a gradient of norm 3/4 sqrt(4), the other network one of 2, both together
# 2.5; the rate falls at the last of 4 steps; views u and -u are 4 apart. The moving average is no view beside two.
cat >model.json <<-'MODEL'
	{
	  "name": "closed",
	  "data": "normal(32, 4)",
	  "define": {"scaled(x, n)": {"w": "param([n], 3)", "y": "slice(x, 1, 0, n) * w"}},
	  "pretext": {"a": "0 * x + 1", "b": "-a"},
	  "encoder": ["scaled(4)"],
	  "head": ["scaled(1)"],
	  "loss": "3 * mean(encoder(a)) + 0 * mean(encoder(b)) + 2 * mean(head(a)) + 0 * mean(ema(encoder, 0.9)(b))",
	  "optimizer": "sgd(lr=stepped(0.5, 0.75, 0.1))",
	  "train": {"epochs": 4, "batch": 32}
	}
MODEL
is() { # NAME VALUES...
	name=$1
	shift
	sed -n "s/.*\"$name\": \([^,]*\),.*/\1/p" closed/metrics.jsonl | awk -v want="$*" '
		BEGIN { n = split(want, w, " ") }
		{ if (($1 - w[NR]) ^ 2 > 1e-12) bad = 1 }
		END { exit bad || NR != n }' || { echo "$name is not $*:"; grep "$name" closed/metrics.jsonl; exit 1; }
}
"$sslc" run model.json --out closed --monitor --quiet
is gradient_norm 2.5 2.5 2.5 2.5
is gradient_norm.encoder 1.5 1.5 1.5 1.5
is gradient_norm.head 2 2 2 2
is learning_rate 0.5 0.5 0.5 0.05
is learning_rate.encoder
is alignment 4 4 4 4

# A rate a network; one view by the encoder, one by its average, which is the same in direction; a single call is no pair.
sed -i -e "s/\"optimizer\": .*/\"optimizer\": \"mine\",/" -e 's/ + 0 \* mean(encoder(b))//' \
	-e "s/\"define\": {/&\"mine(w, g)\": \"if(is_named(w, 'encoder.*'), sgd(w, g, 0.5), sgd(w, g, 0.25))\", /" model.json
again() {
	rm -r closed
	"$sslc" run model.json --out closed --monitor --quiet
}
again
is learning_rate 0.5 0.5 0.5 0.5
is learning_rate.encoder 0.5 0.5 0.5 0.5
is learning_rate.head 0.25 0.25 0.25 0.25
is alignment 4 4 4 4
sed -i 's/ + 0 \* mean(ema(encoder, 0.9)(b))//' model.json
again
is alignment
