#!/bin/sh
# tools/bench/space.py: the same seed gives the same models, whatever their count; another seed others; all families are
# drawn, and all kinds of layers, or are in the list of usual ones; sslc compiles each of them and takes steps.
# usage: bench_space.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
space() { python3 -B "$root/tools/bench/space.py" "$@"; }
space 24 5 a >a.txt
space 24 5 b >b.txt
cmp a.txt b.txt
diff -r a b
space 8 5 >short.txt
head -n 8 a.txt | cmp - short.txt
space 24 6 | sed 's/^[^ ]*//' >other.txt
sed 's/^[^ ]*//' a.txt | cmp -s - other.txt && { echo "another seed gives the same models"; exit 1; }

# data of zeros, as NumPy writes them; what is known of each case holds
python3 -B - "$root/tools/bench" a <<'EOF'
import json, math, pathlib, sys

sys.path.insert(0, sys.argv[1])
import space

drawn = [case for seed in range(1, 21) for case in space.cases(40, seed)]
assert {case.family for case in drawn} == set(space.FAMILIES), "families"
assert {layer[0] for case in drawn + space.USUAL for layer in case.layers} == set(space.LAYERS), "kinds of layers"
assert {case.optimizer for case in drawn} == set(space.OPTIMIZERS), "optimizers"
assert {case.goal for case in drawn} == {"same", "next", "label"}, "goals"
for case in drawn:
    flops, floats = space.cost(case)
    assert flops <= space.FLOPS and floats <= space.FLOATS, f"{case.name} costs too much"
    assert case.batch * case.batches * math.prod(case.shape) <= max(space.DATA, case.batch * math.prod(case.shape))
    for kind, *n in case.layers:
        if kind == "conv":
            assert 1 <= n[0] <= 512 and n[1] in (1, 3, 5, 7) and n[2] in (1, 2, 4), case.name
        if kind in ("block", "causal_block"):
            assert case.batch <= 256, case.name
# the operations of one known by hand: [4, 5] at batch 3 through linear(7) and two convolutions, forward and twice backward
one = space.Case("one", "mlp", 3, [4, 5], 0, [["linear", 7, 1]], "same", "sgd")
assert space.cost(one) == (3 * 3 * 2 * 4 * 5 * 7, 3 * 4 * 5 + 3 * 4 * 7), space.cost(one)
two = space.Case("two", "conv2d", 1, [9, 9, 6], 0, [["conv", 6, 3, 2, 6, 0], ["conv", 8, 5, 4, 1, 0]], "label", "sgd")
assert space.cost(two)[0] == 3 * (2 * 5 * 5 * 6 * 9 + 2 * 2 * 2 * 8 * 25 * 6), space.cost(two)


def zeros(path, shape, kind):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (kind, "".join(f"{n}, " for n in shape))
    head = head.ljust((len(head) + 10) // 64 * 64 + 53) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
        f.truncate(f.tell() + 4 * math.prod(shape))


pathlib.Path("count").write_text(f"{24 + len(space.NAMED) + len(space.USUAL)}\n")
for case in [*space.NAMED.values(), *space.USUAL]:
    space.write(case, pathlib.Path(sys.argv[2]) / case.name)
for case in [*space.cases(24, 5), *space.NAMED.values(), *space.USUAL]:
    folder = pathlib.Path(sys.argv[2]) / case.name
    assert json.loads((folder / "case.json").read_text())["layers"] == case.layers, case.name
    zeros(folder / "x.npy", [case.batch, *case.shape], "<i4" if case.kinds else "<f4")
    if case.goal == "label":
        zeros(folder / "label.npy", [case.batch], "<i4")
EOF
for model in a/*/model.json; do
	"$sslc" check "$model" >out 2>&1 || { echo "check $model:"; cat "$model" out; exit 1; }
done
ls a | wc -l | cmp - count
for model in a/*-mlp a/*-01-transformer a/gru; do
	"$sslc" run "$model/model.json" --steps 1 --quiet --out run 2>out || { echo "run $model:"; cat out; exit 1; }
	rm -rf run
done
