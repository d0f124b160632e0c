#!/bin/sh
# Scans inside when() and every(): what they carry goes on, and weights in them are trained, at the steps alone that are due.
# usage: conditional_scans.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# Each walk of 5 steps over ones adds 5 to what is kept, and its end has the slope 5 by the weight.
cat >model.json <<'MODEL'
{
  "name": "walks",
  "data": "normal(16, 5)",
  "define": {
    "ones_of(x)": "transpose(x * 0 + 1, [1, 0])",
    "stride(c, v)": "c + mean(v)",
    "walked(x)": {
      "kept": "state([1], zeros)",
      "path": "scan(ones_of(x), kept, stride)",
      "set kept": "path[-1]",
      "y": "sum(path[-1]) * 0"
    },
    "weighed(c, v, w)": "c + w * mean(v)",
    "learned(x)": {
      "w": "param([1], zeros)",
      "y": "sum(scan(ones_of(x), zeros([1]), weighed(w=w))[-1])"
    },
    "first(x)": "when(step < 3, walked(x), 0)",
    "fourth(x)": "every(4, walked(x), 0)",
    "both(x)": "when(step < 6, every(2, walked(x), 0), 0)",
    "other(x)": "when(step < 3, 0, walked(x))",
    "early(x)": "when(step < 3, learned(x), 0)",
    "seldom(x)": "every(4, learned(x), 0)"
  },
  "encoder": ["linear(2)"],
  "loss": "mean(encoder(x)^2) * 0 + first(x) + fourth(x) + both(x) + other(x) + early(x) + seldom(x)",
  "optimizer": "sgd(1)",
  "train": {"epochs": 2, "batch": 4}
}
MODEL
for threads in 1 2; do
	"$sslc" run model.json --quiet --threads $threads --out out
	python3 - <<'CHECK'
import json, struct
data = open("out/checkpoint.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8 : 8 + size])
got = {}
for name, t in head.items():
    if name != "__metadata__" and t["shape"] == [1]:
        got[name.split(".")[1]] = struct.unpack("<f", data[8 + size + t["data_offsets"][0] :][:4])[0]
# 8 steps: 3 are early, 5 are not; 2 are fourth ones; of the first 6, 3 are second ones
want = {"first": 15, "fourth": 10, "both": 15, "other": 25, "early": -15, "seldom": -10}
assert got == want, (got, want)
CHECK
done
