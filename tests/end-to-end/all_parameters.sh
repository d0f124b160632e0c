#!/bin/sh
# What an optimizer asks of all parameters is asked of those that it moves, and come there; optimizers that take gradients at
# other weights give the same bytes on any number of threads and after a resume, also with dropout, a momentum teacher, a
# scan, a queue, and in downstream tasks; --monitor changes nothing.
# usage: all_parameters.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
awk 'BEGIN { srand(3); print "a,b,c,d,e,f"; for (i = 0; i < 80; i++) { for (j = 0; j < 6; j++) printf("%s%.3f", j ? "," : "", rand() * 2 - 1); print "" } }' >data.csv
model() { # NAME OPTIMIZER MORE-SECTIONS
	cat >"$1.json" <<-MODEL
		{
		  "data": "csv('data.csv')",
		  "define": {
		    "counted(w, g)": "w + if(is_named(w, '*.w'), total(1), 100 * total(size(w)))",
		    "sloped(w, g)": "w + (total(sum(gradient_at(w))) - total(sum(g)))"
		  },
		  "encoder": ["linear(5)", "batch_norm", "dropout(0.1)"],
		  "timed": ["reshape([12, 5, 1])", "gru(3)", "flatten"],
		  "decoder": ["linear(6)"],
		  "loss": {
		    "z": "encoder(gaussian_noise(x, 0.1))",
		    "kept": "memory(stop_gradient(z), 20)",
		    "y": "mse(decoder(z), x) + 0.1 * mean(timed(z)^2) + 0.1 * mse(z, ema(encoder, 0.9)(x)) + 0.01 * mean(kept^2)"
		  },
		  "optimizer": "$2", ${3:-}
		  "train": {"batch": 12, "epochs": 2}
		}
	MODEL
}
model start 'sgd(0)'
"$sslc" run start.json --quiet --out start
model counted counted
"$sslc" run counted.json --quiet --out counted --steps 1
model frozen counted '"freeze": ["encoder"],'
"$sslc" run frozen.json --quiet --out frozen --steps 1 --init start/checkpoint.safetensors
model sloped sloped
"$sslc" run sloped.json --quiet --out sloped --steps 1
python3 - <<'EOF2'
import json, struct
def weights(run):
    blob = open(run + "/checkpoint.safetensors", "rb").read()
    size = struct.unpack("<Q", blob[:8])[0]
    for name, t in json.loads(blob[8:8 + size]).items():
        if name.startswith(("encoder.", "decoder.", "timed.")) and not name.endswith((".ema", "running_mean", "running_var")):
            begin, end = t["data_offsets"]
            yield name, struct.unpack("<%df" % ((end - begin) // 4), blob[8 + size + begin:8 + size + end])
start = dict(weights("start"))
shapes = {name: len(w) for name, w in start.items()}
for run, moved in ("counted", shapes), ("frozen", {n: s for n, s in shapes.items() if not n.startswith("encoder")}):
    matrices = [n for n in moved if n.endswith(".w")]
    elements = sum(s for n, s in moved.items() if n not in matrices)
    assert len(matrices) >= 2 and elements >= 6, moved
    for name, w in weights(run):
        want = 0 if name not in moved else len(matrices) if name in matrices else 100 * elements
        assert all(abs(a - b - want) <= 1e-6 * want for a, b in zip(w, start[name])), (run, name, w[0] - start[name][0], want)
for name, w in weights("sloped"): # a gradient at the weights as they are is the gradient, whatever was drawn
    assert w == start[name], name
EOF2

same() { # NAME: of a model
	"$sslc" run "$1.json" --quiet --threads 1 --out "$1-one"
	"$sslc" run "$1.json" --quiet --threads 3 --out "$1-three" --monitor
	"$sslc" run "$1.json" --quiet --out "$1-parts" --steps 3
	"$sslc" run "$1.json" --quiet --out "$1-parts" --resume
	for other in three parts; do
		cmp "$1-one/checkpoint.safetensors" "$1-$other/checkpoint.safetensors" || die "$1: $other"
		cmp "$1-one/features.npy" "$1-$other/features.npy"
		for run in one "$other"; do grep -o '"score": [^,]*' "$1-$run/results.json" >"$run.scores"; done
		cmp one.scores "$other.scores" || die "$1: scores, $other"
	done
	cmp -s "$1-one/features.npy" start/features.npy && die "$1: nothing was learned"
	return 0
}
task='"downstream": {"probe": {"freeze": ["encoder"], "head": ["linear(2)"], "loss": "mse(head(encoder(x)), slice(x, 1, 0, 2))",
	"optimizer": "OPTIMIZER", "train": {"epochs": 2, "batch": 9}}},'
try() { # NAME OPTIMIZER
	model "$1" "$2" "$(echo "$task" | sed "s/OPTIMIZER/$2/")"
	same "$1"
}
try sam 'sam(0.05, accumulate(2, clipped(1, adam(0.01))))'
try prodigy 'prodigy(d0=0.001, weight_decay=0.01)'
try free 'schedule_free(warmup(0.05, 0.3), batches=2)'
try averaged 'averaged(0.9, sgd(0.1, momentum=0.9))'
