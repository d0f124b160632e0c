#!/bin/sh
# What every(5, ...) asks for is computed at each fifth step alone, and no number changes by it: not against a
# condition for each element, of which both sides are computed, not by threads, nor by an end and a resume between two
# such steps, nor by whatever lies where what is left out would have been stored.
# usage: left_out.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
model() { # a choice between x, what is new, and y, what was
	cat <<-EOF
	{
	  "name": "soap",
	  "data": "normal(256, 40)",
	  "define": {
	    "identity(s)": "eye(s[0])",
	    "turned_to(x, q, p)": "transpose(q, [1, 0]) @ x @ p",
	    "fifth(w, x, y)": "$1",
	    "soap(w, g, lr)": "if(rank(w) == 2, soap_step(w, g, lr), adam(w, g, lr))",
	    "soap_step(w, g, lr)": {
	      "l": "state([dim(w, 0), dim(w, 0)], zeros)",
	      "r": "state([dim(w, 1), dim(w, 1)], zeros)",
	      "q": "state([dim(w, 0), dim(w, 0)], identity)",
	      "p": "state([dim(w, 1), dim(w, 1)], identity)",
	      "m": "state(shape(w), zeros)",
	      "v": "state(shape(w), zeros)",
	      "l1": "0.95 * l + 0.05 * (g @ transpose(g, [1, 0]))",
	      "r1": "0.95 * r + 0.05 * (transpose(g, [1, 0]) @ g)",
	      "q1": "fifth(q, orthonormal(l1 @ q), q)",
	      "p1": "fifth(p, orthonormal(r1 @ p), p)",
	      "m1": "0.9 * m + 0.1 * g",
	      "set l": "l1", "set r": "r1", "set q": "q1", "set p": "p1", "set m": "m1",
	      "v1": "0.95 * v + 0.05 * turned_to(g, q1, p1)^2",
	      "set v": "v1",
	      "y": "w - lr * (q1 @ (turned_to(m1, q1, p1) / (sqrt(v1) + 1e-8)) @ transpose(p1, [1, 0]))"
	    }
	  },
	  "encoder": ["linear(33)", "relu", "linear(7)"],
	  "decoder": ["linear(40)"],
	  "loss": "mse(decoder(encoder(x)), x)",
	  "optimizer": "soap(0.001)",
	  "train": {"epochs": 6, "batch": 64}
	}
	EOF
}
model 'every(5, x, y)' >every.json
model 'select(0 * iota(shape(w)) + step % 5 == 4, x, y)' >select.json
"$sslc" run every.json --quiet --threads 1 --out one
"$sslc" run every.json --quiet --threads 3 --out three
"$sslc" run select.json --quiet --threads 1 --out both
cmp one/checkpoint.safetensors three/checkpoint.safetensors
python3 - one both <<'EOF'
import json, sys
one, both = ([json.loads(line) for line in open(f"{folder}/metrics.jsonl")] for folder in sys.argv[1:])
losses = [[m["loss"] for m in run if "loss" in m] for run in (one, both)]
assert losses[0] and losses[0] == losses[1], losses
EOF
"$sslc" run every.json --quiet --threads 1 --steps 7 --out halves
"$sslc" run every.json --quiet --threads 1 --resume --out halves
cmp one/checkpoint.safetensors halves/checkpoint.safetensors
"$sslc" run every.json --profile --threads 1 --steps 21 --out profile >text
"$sslc" run select.json --profile --threads 1 --steps 21 --out profile_both >/dev/null
python3 - profile/profile.json profile_both/profile.json <<'EOF'
import json, sys
every, both = (json.load(open(path))["kernels"] for path in sys.argv[1:])
scans = [k for k in every if k["kind"] == "scan"]
assert len(scans) == 6 and all(abs(k["share_of_steps"] - 0.2) < 1e-6 for k in scans), scans # of steps 2 to 21
assert all(k["share_of_steps"] == 1 for k in both), both
EOF
grep -q '^@.* scan .*, in 20% of the steps$' text
"$sslc" dump --stage=schedule every.json >kernels
test "$(grep -c '^  @[0-9]* scan .*  if b[0-9]' kernels)" -ge 6
"$sslc" dump --stage=schedule --json every.json >kernels.json
grep -q '"due": \[{"buffer": [0-9]*, "holds": true}\]' kernels.json

# Adam's moments wait for each third step in the kernels that gather its gradient, and an average goes on at every step.
gathers() {
	cat <<-EOF
	{
	  "name": "gathers",
	  "data": "normal(128, 37)",
	  "define": {
	    "third(w, x, y)": "$1",
	    "mine(w, g, lr)": {
	      "a": "state(shape(w), zeros)",
	      "m": "state(shape(w), zeros)",
	      "v": "state(shape(w), zeros)",
	      "mean": "state(shape(w), zeros)",
	      "total": "a + g * (1 / 3)",
	      "m1": "0.9 * m + 0.1 * total",
	      "v1": "0.99 * v + 0.01 * total^2",
	      "set a": "third(w, 0 * w, total)",
	      "set m": "third(w, m1, m)",
	      "set v": "third(w, v1, v)",
	      "moved": "third(w, w - lr * m1 / (sqrt(v1) + 1e-8), w)",
	      "set mean": "0.9 * mean + 0.1 * moved",
	      "y": "moved"
	    }
	  },
	  "encoder": ["linear(65)", "relu", "linear(3)"],
	  "decoder": ["linear(37)"],
	  "loss": "mse(decoder(encoder(x)), x)",
	  "optimizer": "mine(0.01)",
	  "train": {"epochs": 4, "batch": 32}
	}
	EOF
}
gathers 'every(3, x, y)' >gathers.json
gathers 'select(0 * iota(shape(w)) + step % 3 == 2, x, y)' >gathers_both.json
"$sslc" run gathers.json --quiet --profile --threads 1 --steps 13 --out gathered >text
"$sslc" run gathers.json --quiet --threads 2 --steps 13 --out gathered_by_two
"$sslc" run gathers_both.json --quiet --profile --threads 1 --steps 13 --out gathered_both >text
cmp gathered/checkpoint.safetensors gathered_by_two/checkpoint.safetensors
"$sslc" dump --stage=schedule gathers.json >kernels
test "$(grep -c '^    store \$optimizer.*\.[mv] = %[0-9]*  if b[0-9]*$' kernels)" = 12
test "$(grep -c '^    store \$.*coder.*\.[wb] = %[0-9]*  if b[0-9]*$' kernels)" = 6
"$sslc" dump --stage=schedule --json gathers.json >kernels.json
grep -q '"only": \[{"stored_in": [0-9]*, "buffer": [0-9]*, "holds": true}' kernels.json
python3 - gathered gathered_both <<'EOF'
import json, struct, sys
def tensors(folder):
    data = open(f"{folder}/checkpoint.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]]
            for name, t in header.items() if name != "__metadata__"}
def moved(folder): # by the update of the largest matrix, in a step
    kernels = json.load(open(f"{folder}/profile.json"))["kernels"]
    return next(k["bytes"] for k in kernels if k["shape"] == "37 x 65 x 32")
one, both = (tensors(folder) for folder in sys.argv[1:])
assert one.keys() == both.keys() and len(one) >= 30, one.keys()
assert one == both, [name for name in one if one[name] != both[name]]
# a and mean are read and written at all steps, w is read; m and v are, and w is written, at each third alone
saved = (moved(sys.argv[2]) - moved(sys.argv[1])) / (37 * 65 * 4)
assert abs(saved - (5 - 5 / 3)) < 0.01, saved
EOF

# A condition of conditions, each named twice, is not followed along all of its paths, of which there are 2^40.
paths() {
	cat <<-EOF
	{
	  "data": "normal(64, 20)",
	  "define": {
	    "mine(w, g, lr)": {
	      "c0": "step % 2 == 0",
	$(for i in $(seq 40); do
		echo "\"c$i\": \"and(and(c$((i - 1)), step % $((i + 2)) == 0), or(c$((i - 1)), step % $((i + 3)) != 1))\","
	done)
	      "m": "state(shape(w), zeros)",
	      "set m": "when(c40, 0.9 * m + g, m)",
	      "y": "w - lr * m"
	    }
	  },
	  "encoder": ["linear(3)"], "decoder": ["linear(20)"],
	  "loss": "mse(decoder(encoder(x)), x)",
	  "optimizer": "mine(0.01)"
	}
	EOF
}
paths >paths.json
"$sslc" check paths.json >/dev/null

"$sslc" compile every.json --out soap.o >/dev/null
cat >soap.c <<'EOF'
#include "soap.h"
#include <stdio.h>
#include <string.h>
SOAP_ALIGNED static unsigned char block[SOAP_BLOCK_BYTES];
static float x[SOAP_STEP_X_COUNT];
static unsigned char saved[1 << 20];
int main(int argc, char **argv)
{
	(void)argv;
	unsigned seed = 1, hash = 0;
	if (soap_init(block, sizeof block, 1, 0) || soap_save_bytes() > sizeof saved)
		return 1;
	for (int step = 0; step < 12; step++) {
		for (int i = 0; i < SOAP_STEP_X_COUNT; i++)
			x[i] = (float)((seed = seed * 1664525u + 1013904223u) >> 16) / 32768 - 1;
		if (argc > 1) /* every float is no number, every truth value holds */
			memset(block + sizeof block - SOAP_ARENA_BYTES, 0xff, SOAP_ARENA_BYTES);
		float loss;
		if (soap_step(block, x, &loss) || soap_save(block, saved, soap_save_bytes()))
			return 1;
		for (size_t i = 0; i < soap_save_bytes(); i++)
			hash = (hash ^ saved[i]) * 16777619u;
		printf("%a %08x\n", loss, hash);
	}
}
EOF
cc -std=c99 -O1 -Wall -Wextra -Werror soap.c soap.o -o soap
./soap >zeros
./soap anything >anything
test "$(wc -l <zeros)" = 12
cmp zeros anything
