#!/bin/sh
# accumulate(4, ...) over batches of 16 learns what batches of 64 do, cosine schedule and Adam's step count included;
# an optimizer knows the name, the layer and the network of what it moves.
# usage: optimizer_parts.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >model.json <<'MODEL'
{
  "data": "normal(256, 6, seed=3)",
  "define": {
    "block(n)": ["linear(n)", "tanh"],
    "stopped(w, g)": "when(step < 4, accumulate(w, g, 4, sgd(0.1)), w)",
    "moved(w, g)": "w + 1 + layer_of(w) + 16 * layers(w) + 128 * is_named(w, 'encoder.*.b')"
  },
  "encoder": ["linear(5)", "tanh", "repeat(3, residual(block(5)))", "layer_norm"],
  "decoder": ["linear(6)"],
  "loss": "mse(decoder(encoder(x)), x)",
  "optimizer": "OPTIMIZER",
  "train": {"batch": 64, "epochs": 3, "shuffle": false}
}
MODEL
run() { # name, optimizer, batch, options...
	name=$1
	sed "s/OPTIMIZER/$2/; s/\"batch\": 64/\"batch\": $3/" model.json >"$name.json"
	shift 3
	"$sslc" run "$name.json" --quiet --no-downstream --out "$name" "$@"
}
run whole 'adam(lr=cosine(0.02, 0.1))' 64
run gathered 'accumulate(4, adam(lr=cosine(0.02, 0.1)))' 16
run twice 'accumulate(2, accumulate(2, adam(lr=cosine(0.02, 0.1))))' 16
run clipped 'clipped(0.05, adam(0.02))' 64
run outside stopped 16
run four 'accumulate(4, sgd(0.1))' 16 --steps 4
run still 'sgd(0)' 64 --steps 1
run moved 'moved' 64 --steps 1
python3 - <<'EOF'
import json, struct
def weights(run):
    blob = open(run + "/checkpoint.safetensors", "rb").read()
    size = struct.unpack("<Q", blob[:8])[0]
    head = json.loads(blob[8:8 + size])
    return {name: struct.unpack("<%df" % ((t["data_offsets"][1] - t["data_offsets"][0]) // 4),
                                blob[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in head.items() if name.startswith(("encoder", "decoder"))}
def near(a, b, error):
    a, b = weights(a), weights(b)
    assert a.keys() == b.keys() and len(a) == 12, sorted(a)
    return max(abs(x - y) for n in a for x, y in zip(a[n], b[n])) <= error
assert near("whole", "gathered", 1e-4), "accumulate(4) is not a batch of four times the size"
assert near("whole", "twice", 1e-4), "accumulate(2, accumulate(2)) is not accumulate(4)"
assert not near("whole", "clipped", 1e-2), "the test sees no difference"
assert near("outside", "four", 0), "when() does not stop"
assert not near("four", "still", 1e-6), "when() lets nothing through"
was, now = weights("still"), weights("moved")
layers = {"encoder": ["encoder.0", "encoder.2.0", "encoder.2.1", "encoder.2.2", "encoder.3"], "decoder": ["decoder.0"]}
for name in was:
    network = name.split(".")[0]
    layer = max((l for l in layers[network] if name.startswith(l + ".")), key=len)
    is_bias = network == "encoder" and name.endswith(".b")
    want = 1 + layers[network].index(layer) + 16 * len(layers[network]) + 128 * is_bias
    assert all(abs(b - a - want) < 1e-4 for a, b in zip(was[name], now[name])), (name, now[name][0] - was[name][0], want)
EOF
