#!/bin/sh
# Without shuffling, every epoch sees the same batches: where nothing is learned, its loss is the same.
# usage: epochs_in_order.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >model.json <<'MODEL'
{
  "data": "normal(20, 4)",
  "encoder": ["linear(2)"],
  "loss": "mean(encoder(x)^2)",
  "optimizer": "sgd(0)",
  "train": {"epochs": 3, "batch": 8, "shuffle": false}
}
MODEL
"$sslc" run model.json --out out | sed -n 's/.*loss \([^ ]*\) .*/\1/p' | sort -u >losses
[ "$(wc -l <losses)" = 1 ] || { echo "epochs differ:"; cat losses; exit 1; }
