#!/bin/sh
# One, two and seven threads train to the same bytes; so does the same command again; another seed does not.
# usage: threads_same_bits.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >model.json <<'MODEL'
{
  "name": "threads",
  "data": "normal(600, 130, seed=1)",
  "encoder": ["linear(257)", "relu", "linear(31)"],
  "decoder": ["linear(130)"],
  "loss": "mse(decoder(encoder(x)), x)",
  "train": {"epochs": 3, "batch": 200}
}
MODEL
for threads in 1 2 7; do
	"$sslc" run model.json --quiet --threads $threads --out out$threads
	for file in checkpoint.safetensors features.npy; do
		cmp out1/$file out$threads/$file || {
			echo "$file differs between 1 and $threads threads"
			exit 1
		}
	done
done
"$sslc" run model.json --quiet --out again
cmp out1/checkpoint.safetensors again/checkpoint.safetensors
"$sslc" run model.json --quiet --seed 9 --out other
if cmp -s out1/checkpoint.safetensors other/checkpoint.safetensors; then
	echo "another seed gave the same weights"
	exit 1
fi
