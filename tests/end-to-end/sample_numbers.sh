#!/bin/sh
# sample_number is the place of a sample in its split, in training (shuffled, over a resume), features, tasks on few labels, banks
# and collected values; sample_count is how many there are to train on. The data say their own places: column n of a table.
# usage: sample_numbers.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
for rows in 57 11; do
	awk -v n=$rows 'BEGIN { print "n,m,k"; for (i = 0; i < n; i++) print i "," i * i % 7 "," i % 2 }' >$rows.csv
done
cat >n.json <<'MODEL'
{
  "data": "csv('57.csv', label='k', test_path='11.csv')",
  "define": {
    "wrong(x, at)": "sum(abs(slice(x, 1, 0, 1) - cast(reshape(at, [-1, 1]), 'float')))",
    "seen(x)": {"count": "state([sample_count], zeros)", "set count": "scatter_add(count, sample_number, ones([dim(x, 0)]))", "y": "count"}
  },
  "encoder": ["linear(2)"],
  "loss": "wrong(x, sample_number) + 0 * (sum(seen(x)) + sum(encoder(x)))",
  "features": "reshape(cast(sample_number, 'float'), [-1, 1])",
  "train": {"epochs": 4, "batch": 19},
  "downstream": {
    "few": {
      "freeze": ["encoder"],
      "labels": 5,
      "head": ["linear(2)"],
      "loss": "wrong(x, sample_number) + 0 * sum(head(encoder(x)))",
      "train": {"epochs": 2, "batch": 5},
      "baselines": []
    },
    "all": {
      "freeze": ["encoder"],
      "bank": {"own": "sample_number"},
      "collect": {"other": "sample_number"},
      "metric": "sum(cast(own == iota([dim(own, 0)]), 'float')) + sum(cast(other == iota([dim(other, 0)]), 'float'))",
      "train": {"batch": 4},
      "baselines": []
    }
  }
}
MODEL
"$sslc" run n.json --out run --steps 5 --quiet
"$sslc" run n.json --out run --resume --monitor --quiet
python3 - <<'PYTHON'
import json, struct

steps = [json.loads(line) for line in open("run/metrics.jsonl")]
assert all(line["loss"] == 0 for line in steps if "loss" in line), steps
bytes = open("run/checkpoint.safetensors", "rb").read()
size, = struct.unpack("<Q", bytes[:8])
start, end = json.loads(bytes[8 : 8 + size])["loss.seen.count"]["data_offsets"]
assert list(struct.unpack("<57f", bytes[8 + size + start : 8 + size + end])) == [4.0] * 57, "each once an epoch"
features = open("run/features.npy", "rb").read()
assert list(struct.unpack("<11f", features[-44:])) == list(range(11))
few, all = json.load(open("run/results.json"))["downstream"]
assert few["score"] == 0 and few["train_loss"] == 0 and few["trained_on"] == 10, few
assert all["score"] == 57 + 11, all
PYTHON

# Text is generated from a sample of no split.
printf 'abc hello\n%.0s' 1 2 3 4 5 6 7 8 >text.txt
cat >text.json <<'MODEL'
{
  "data": "text('text.txt', window=8, tokenizer='chars')",
  "encoder": ["token_embedding(vocab, 4)", "linear(vocab)"],
  "loss": "token_loss(encoder(x), x, is_token(x, length))",
  "generate": "encoder(x) + cast(reshape(sample_number, [-1, 1, 1]), 'float')",
  "train": {"epochs": 1, "batch": 2}
}
MODEL
"$sslc" run text.json --quiet
! "$sslc" generate text.json --prompt ab 2>err || die "text is made without sample numbers"
grep -q "reads 'sample_number', but there is only x" err
