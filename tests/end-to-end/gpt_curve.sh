#!/bin/sh
# The loss of models/text/gpt-glosses.json, made smaller, is that of nanoGPT in PyTorch over 200 steps, from the same
# weights and the same batches: to 1e-4 in each mean of the 5 steps of an epoch.
# usage: gpt_curve.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cp "$root/tests/oracle/text/corpus.txt" .
sed -e "s/text('data.train.txt', window=65, overlap=1)/text('corpus.txt', window=33, overlap=28, test_path='corpus.txt')/" \
	-e 's/"places": "64"/"places": "32"/; s/"width": "128"/"width": "32"/; s/repeat(4, causal_block/repeat(2, causal_block/' \
	-e 's/cosine(0.001, /cosine(0.004, /; s/"batch": 32}/"batch": 64, "shuffle": false}/' \
	"$root/models/text/gpt-glosses.json" >gpt.json
"$sslc" run gpt.json --epochs 40 --init "$root/tests/oracle/gpt/init.safetensors" --quiet --no-downstream --out out
awk '{ sum += $1 } NR % 5 == 0 { print sum / 5; sum = 0 }' CONVFMT=%.9g OFMT=%.9g "$root/tests/oracle/gpt/losses.txt" >want
sed -n 's/.*"loss": \([^,]*\),.*/\1/p' out/metrics.jsonl | paste - want | awk '
	{ error = ($1 - $2) / $2; if (error < 0) error = -error; if (!(error <= 1e-4)) { print "epoch " NR ": loss " $1 ", but PyTorch has " $2; bad = 1 } }
	END { if (NR != 40) { print NR " epochs of 40"; bad = 1 } exit bad }'
