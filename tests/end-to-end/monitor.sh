#!/bin/sh
# sslc run --monitor writes what the features look like, says when they collapse, and changes nothing.
# usage: monitor.sh <path to sslc>
set -eu
sslc=$(realpath "$1")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"

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
grep -v -e feature_ -e uniformity watched/metrics.jsonl | sed 's/"seconds".*//' >a
sed 's/"seconds".*//' plain/metrics.jsonl | diff - a
for name in feature_rank feature_std uniformity; do
	[ "$(grep -c "\"$name\": -\?[0-9]" watched/metrics.jsonl)" = 40 ]
done
grep -q 'loss .*  rank [3-6]\.[0-9]  spread [01]\.[0-9]*  [0-9]* samples/s' watched.txt
if grep -q collapsed watched.txt plain.txt; then
	echo "features that are spread collapsed"
	exit 1
fi
model "mean((encoder(x) - stop_gradient(mean(encoder(x), 0, keep=1)))^2) + mean((mean(encoder(x), 0) - 1)^2)"
"$sslc" run model.json --out collapsed --monitor --epochs 400 >out.txt
grep -q 'note  *the features collapsed: all samples have nearly the same' out.txt || {
	cat out.txt
	exit 1
}
