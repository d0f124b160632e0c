#!/bin/sh
# Pre-training leaves frozen networks as they are, and an `if` of layers is the one that its condition chooses.
# usage: freeze.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

run() { # NAME OPTIMIZER SECTIONS
	cat >"$1.json" <<-MODEL
		{
		  "data": "normal(40, 6)",
		  "encoder": ["linear(3)", "batch_norm", "relu"],
		  "decoder": ["linear(6)"],
		  "loss": "mse(decoder(encoder(x)), x)", $3
		  "optimizer": "$2",
		  "train": {"epochs": 3, "batch": 8}
		}
	MODEL
	"$sslc" run "$1.json" --seed 2 --quiet
	mv "runs/$1/features.npy" "$1.npy"
	mv "runs/$1/metrics.jsonl" "$1.jsonl"
}
run frozen "adam(lr=0.01)" '"freeze": ["encoder"],'
"$sslc" features frozen.json --random --seed 2 --out random.npy >/dev/null
cmp frozen.npy random.npy
run moving "adam(lr=0.01)" ''
if cmp -s frozen.npy moving.npy; then
	echo "the encoder did not train"
	exit 1
fi
grep -o '"loss": [0-9.e-]*' frozen.jsonl | sort -u | wc -l | grep -q '^3$' # the decoder does

run one "sgd(0.01)" ''
run second "if(0, sgd(0.5), sgd(0.01))" ''
run first "if(steps > 1, sgd(lr=0.5), sgd(0.01))" ''
cmp one.npy second.npy
if cmp -s one.npy first.npy; then
	echo "both sides of an if are one"
	exit 1
fi
