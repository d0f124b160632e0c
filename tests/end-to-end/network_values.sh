#!/bin/sh
# A network that takes more than one value: "decoder(x, memory)" trains as one that is given both in one tensor does, shares
# its weights over all uses, and can be frozen, averaged, named, exported, compiled and resumed as any other.
# usage: network_values.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
model() { # KEY of the decoder, its layer, CALL(query, memory) of it, of two uses
	cat <<-EOF
	{
	  "name": "crossed",
	  "data": "csv('x.csv', header=0)",
	  "define": {
	    "halves(z, width=4)": {
	      "x": "slice(z, 1, 0, 2)",
	      "memory": "slice(z, 1, 2, 5)",
	      "q": "param([dim(x, 2), width], xavier_uniform)",
	      "k": "param([dim(memory, 2), width], xavier_uniform)",
	      "seen": "softmax((x @ q) @ transpose(memory @ k, [0, 2, 1]))",
	      "y": "x + seen @ memory"
	    },
	    "cross(x, memory, width=4)": {
	      "q": "param([dim(x, 2), width], xavier_uniform)",
	      "k": "param([dim(memory, 2), width], xavier_uniform)",
	      "seen": "softmax((x @ q) @ transpose(memory @ k, [0, 2, 1]))",
	      "y": "x + seen @ memory"
	    },
	    "parts(x)": "reshape(x, [dim(x, 0), 3, 4])"
	  },
	  "encoder": ["linear(4)", "tanh"],
	  "query": ["linear(8)", "reshape([-1, 2, 4])"],
	  "$1": ["$2", "linear(4)"],
	  "loss": {
	    "memory": "encoder(parts(x))",
	    "near": "$3",
	    "far": "$4",
	    "y": "mse(mean(near, 1), mean(parts(x), 1)) + 0.1 * mse(mean(far, 1), mean(parts(x), 1))"
	  },
	  "features": "$3",
	  "optimizer": "adam(0.01)",
	  "names": {"theirs": {"decoder.0": "cross", "decoder.1.w": ["out.weight", "transpose([1, 0])"], "decoder.1.b": "out.bias"}},
	  "train": {"epochs": 4, "batch": 32},
	  "downstream": {"sums": {
	    "freeze": ["encoder", "query", "decoder"],
	    "head": ["flatten", "linear(1)"],
	    "loss": "mse(head($3), sum(x, 1, keep=1))",
	    "train": {"epochs": 2, "batch": 32}
	  }}
	}
	EOF
}
python3 -c 'import random; random.seed(4); [print(*(f"{random.gauss(0, 1):.4f}" for _ in range(12)), sep=",") for _ in range(120)]' >x.csv
in_one='decoder(concat([query(x), encoder(parts(x))], 1))'
model 'decoder(x, memory)' 'cross(memory)' 'decoder(query(x), encoder(parts(x)))' 'decoder(query(2 * x), memory=encoder(parts(x)))' >two.json
model decoder halves "$in_one" "$(echo "$in_one" | sed 's/query(x)/query(2 * x)/')" >one.json
"$sslc" check two.json >two.txt
"$sslc" check one.json >one.txt
grep -q '^ *decoder\.0\.q ' two.txt
for of in two one; do grep -o 'decoder\.[0-9.a-z]*' $of.txt | sort -u >$of.names; done
cmp two.names one.names
"$sslc" run two.json --quiet --threads 1 --out two
"$sslc" run one.json --quiet --threads 1 --out one
python3 - two one <<'EOF'
import json, sys
two, one = ([json.loads(line) for line in open(f"{folder}/metrics.jsonl")] for folder in sys.argv[1:])
losses = [[m["loss"] for m in run if "loss" in m] for run in (two, one)]
assert len(losses[0]) == len(losses[1]) > 0 and all(abs(a - b) < 1e-5 * b for a, b in zip(*losses)), losses
EOF
"$sslc" run two.json --quiet --threads 1 --steps 5 --out halves
"$sslc" run two.json --quiet --threads 1 --resume --out halves
cmp two/checkpoint.safetensors halves/checkpoint.safetensors
"$sslc" check two.json --names theirs >named.txt
for name in cross.q cross.k out.weight out.bias; do grep -qF "$name" named.txt; done
cp two.json formatted.json
"$sslc" fmt formatted.json >/dev/null
grep -qF '"decoder(x, memory)": ["cross(memory)", "linear(4)"]' formatted.json
"$sslc" dump --stage=parse two.json >parsed.json
grep -qF '"decoder(x, memory)": [' parsed.json
"$sslc" export two.json --checkpoint two/checkpoint.safetensors --function features --out two.onnx
"$sslc" compile two.json --out two.o >/dev/null
# an average of it, in which memory is a name of the loss
sed 's/"far": "[^"]*"/"far": "ema(decoder(memory=memory), 0.9)(query(2 * x))"/' two.json >average.json
"$sslc" run average.json --quiet --threads 1 --steps 3 --out average
"$sslc" check average.json | grep -q 'decoder\.0\.q\.ema'
# what a default makes is of the network, too: one for both uses, frozen with it, and not made of raw input
model 'decoder(x, memory=linear(x, 4))' 'cross(memory)' 'decoder(query(x))' 'decoder(query(2 * x))' >default.json
"$sslc" check default.json >default.txt
grep -q '^ *decoder\.memory\.linear\.w .* pre-training$' default.txt
grep -q 'optimizer\.decoder\.memory' default.txt
! grep 'loss\.linear' default.txt || exit 1
sed 's/"optimizer"/"freeze": ["decoder"], &/' default.json >frozen.json
"$sslc" check frozen.json >frozen.txt
! grep '^optimizer\.decoder' frozen.txt || exit 1
