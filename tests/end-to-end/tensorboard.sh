#!/bin/sh
# sslc run --tensorboard: the event file has the numbers of metrics.jsonl, however often the run was cut; a parser of the
# format reads it, and TensorBoard's own reader where it is installed. A new run without the option takes the file away.
# usage: tensorboard.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
command -v python3 >/dev/null || { echo "SKIPPED: this needs python3"; exit 77; }
oracle=$root/tests/oracle/events
export PYTHONDONTWRITEBYTECODE=1
cat >model.json <<'MODEL'
{
  "name": "events",
  "data": "normal(1000, 4, seed=3)",
  "encoder": ["linear(4)"],
  "loss": "mse(encoder(x), x)",
  "train": {"epochs": 4, "batch": 4}
}
MODEL

events() { python3 "$oracle/events.py" "$@"; }
metrics() { # FILE: as events.py prints them
	sed 's/{"step": \([0-9]*\), "epoch": [0-9]*, "\([a-z_]*\)": \([^,]*\),.*/\1 \2 \3/' "$1" | while read -r step tag value; do
		printf '%d %s %.6e\n' "$step" "$tag" "$value"
	done
}

printf '1 loss 5.000000e-01\n127 loss 2.500000e-01\n128 recent_loss 3.000000e-07\n1099511627776 loss -1.500000e+00\n' >want
events "$oracle/oracle" | diff want - || die "the parser does not read a file of TensorBoard's own writer"

run() { "$sslc" run model.json --quiet --out run "$@"; }
file=run/events.out.tfevents.sslc
run --tensorboard --steps 450
run --tensorboard --resume --steps 700
cp -r run earlier
run --tensorboard --resume
cp $file run.events
metrics run/metrics.jsonl >want
[ "$(wc -l <want)" = 12 ] || die "metrics.jsonl has $(wc -l <want) lines"
same() { # WHAT: to 6 digits of f32
	events "$file" >got || die "$1: not an event file"
	paste -d ' ' want got | awk '$1 != $4 || $2 != $5 || ($3 - $6) ^ 2 > (2e-6 * $3) ^ 2 { print; bad = 1 } NF != 6 { bad = 1 } END { exit bad }' ||
		die "$1: not the numbers of metrics.jsonl"
}
same "a run in three parts"

# The checkpoint is older than the events, and the last of them is half a record.
cp earlier/checkpoint.safetensors run
head -c -3 run.events >$file
run --tensorboard --resume
metrics run/metrics.jsonl >want
same "a run after a crash"

if python3 -c 'import tensorboard' 2>/dev/null; then
	events --tensorboard $file | diff got - || die "TensorBoard's reader reads other numbers"
fi
run --steps 1
[ ! -e $file ] || die "the events of the run before stay"
