#!/bin/sh
# The loss of models/autoencoder.json is PyTorch's, from the same weights and data, at every one of 100 epochs.
# usage: oracle.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
"$sslc" run "$root/models/autoencoder.json" --init "$root/tests/oracle/autoencoder/init.safetensors" --quiet --out out
sed -n 's/.*"loss": \([^,]*\),.*/\1/p' out/metrics.jsonl | paste - "$root/tests/oracle/autoencoder/losses.txt" | awk '
	{ error = ($1 - $2) / $2; if (error < 0) error = -error; if (!(error <= 1e-4)) { print "epoch " NR ": loss " $1 ", but PyTorch has " $2; bad = 1 } }
	END { if (NR != 100) { print NR " epochs of 100"; bad = 1 } exit bad }'
