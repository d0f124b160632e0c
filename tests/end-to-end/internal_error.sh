#!/bin/sh
# Whatever aborts, an internal error or LLVM, the command ends with exit code 5, which its help explains.
# usage: internal_error.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
"$sslc" help run | grep -q "5 a bug in sslc"
cat >model.json <<'MODEL'
{"data": "normal(100, 20)", "encoder": ["linear(10)"], "decoder": ["linear(20)"], "loss": "mse(decoder(encoder(x)), x)",
 "train": {"epochs": 100000000, "batch": 100}}
MODEL
"$sslc" run model.json --quiet --out out &
pid=$!
for _ in $(seq 500); do # at most 50 s
	[ -s out/metrics.jsonl ] && break
	sleep 0.1
done
kill -ABRT $pid
code=0
wait $pid || code=$?
[ $code = 5 ] || { echo "exit code $code"; exit 1; }
