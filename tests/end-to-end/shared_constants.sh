#!/bin/sh
# One constant that is a factor of the loss, of the optimizer and a result: kernels in any order make it for themselves.
# mean(encoder(x)) of a linear layer is linear in its parameters, and Adam moves each by 0.001 against its gradient: of
# rows of ones the gradients of the weights and biases add up to columns + 1, and so falls the loss, at every step.
# A gradient that is the constant 0 agrees with differences. usage: shared_constants.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# ones ROWS COLUMNS: ones.npy
ones() {
	printf "\223NUMPY\001\000\166\000%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': ($1, $2), }"
	for _ in $(seq $(($1 * $2))); do
		printf '\000\000\200\077'
	done
}

for sizes in "2 8 1 2" "2 8 1 1" "3 8 1 3" "100 20 10 100" "12 1 1 12" "6 5 3 2"; do
	set -- $sizes
	ones $1 $2 >ones.npy
	cat >model.json <<MODEL
{"data": "npy('ones.npy', test=0)", "encoder": ["linear($3)"], "loss": "mean(encoder(x))",
 "train": {"epochs": 4, "batch": $4}}
MODEL
	"$sslc" check model.json >check.txt 2>&1 || {
		echo "rows, columns, outputs, batch $sizes:"
		cat check.txt
		exit 1
	}
	"$sslc" run model.json --quiet --out out
	sed -n 's/.*"step": \([0-9]*\),.*"loss": \([^,]*\),.*/\1 \2/p' out/metrics.jsonl | awk -v columns=$2 -v sizes="$sizes" '
		NR > 1 { fall = (before - $2) / ($1 - step); error = fall - 0.001 * (columns + 1)
		         if (!(error < 1e-6 && error > -1e-6)) { print sizes ": the loss falls by " fall " a step"; bad = 1 } }
		{ before = $2; step = $1 }
		END { if (NR != 4) { print NR " epochs of 4"; bad = 1 } exit bad }'
	rm -r out
done

cat >zero.json <<'MODEL'
{"data": "normal(12, 8)", "encoder": ["linear(4)"],
 "loss": "mean(encoder(x)^2) + select(param([], zeros) >= ones([]), mean(encoder(x)), 0)",
 "train": {"epochs": 1, "batch": 6}}
MODEL
"$sslc" grad zero.json >grad.txt || {
	cat grad.txt
	exit 1
}
