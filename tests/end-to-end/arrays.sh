#!/bin/sh
# More than one array a sample: of any type and rank, seen by pretext, loss, features and tasks under their names, in
# either split, from NumPy's and IDX files. Truth: arithmetic of Python on the values that it wrote.
# usage: arrays.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >files.py <<-'PYTHON'
	import json, struct, sys
	def npy(name, descr, shape, letter, values):
	    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}\n".encode()
	    with open(name, "wb") as out:
	        out.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + struct.pack(f"<{len(values)}{letter}", *values))
	def idx(name, shape, values):
	    with open(name, "wb") as out:
	        out.write(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(values))
	N = 12
	x = [[i + k / 4 for k in range(3)] for i in range(N)]
	other = [[2 * i - k for k in range(3)] for i in range(N)]
	boxes = [[[i % 7 + j + k / 8 for k in range(5)] for j in range(2)] for i in range(N)]
	count = [[(i * k) % 11 for k in range(4)] for i in range(N)]
	mask = [i % 3 == 0 for i in range(N)]
	def flat(a): return sum(map(flat, a), []) if isinstance(a, list) else [a]
	def make(name, rows):
	    n = len(rows)
	    npy(name + "x.npy", "<f4", [n, 3], "f", flat([x[i] for i in rows]))
	    npy(name + "other.npy", "<f8", [n, 3], "d", flat([other[i] for i in rows]))
	    npy(name + "boxes.npy", "<f4", [n, 2, 5], "f", flat([boxes[i] for i in rows]))
	    npy(name + "count.npy", "<i8", [n, 4], "q", flat([count[i] for i in rows]))
	    npy(name + "mask.npy", "|b1", [n], "?", [mask[i] for i in rows])
	    idx(name + "x.idx", [n, 3], [10 * i + k for i in rows for k in range(3)])
	    idx(name + "other.idx", [n, 2, 2], [i + k for i in rows for k in range(4)])
	# the four features of sample i, by hand
	def of_npy(i): return [sum(x[i]) - sum(other[i]), max(flat(boxes[i])), sum(count[i]), 2.0 * mask[i]]
	def of_idx(i): return [(30 * i + 3) / 255, (4 * i + 6) / 255, 0, 0]
	def check(path, want):
	    data = open(path, "rb").read()
	    head = 10 + struct.unpack("<H", data[8:10])[0]
	    got = struct.unpack(f"<{(len(data) - head) // 4}f", data[head:])
	    assert len(got) == 4 * len(want), (len(got), want)
	    for g, w in zip(got, flat(want)): assert abs(g - w) < 1e-5 * (1 + abs(w)), (path, got, want)
	if sys.argv[1] == "make":
	    make("", range(N)); make("test_", range(4, 8))
	else:
	    check("features.npy", [(of_npy if sys.argv[1] == "npy" else of_idx)(i) for i in (range(N) if sys.argv[2] == "train" else range(4, 8))])
PYTHON
python3 files.py make
model() { # DATA FEATURES
	cat >model.json <<-MODEL
		{
		  "name": "arrays",
		  "data": "$1",
		  "encoder": ["linear(2)"],
		  "pretext": {"twin": "other + 0"},
		  "loss": "mean(encoder(x)^2) + mean(abs(twin))",
		  "features": "$2",
		  "train": {"epochs": 2, "batch": 4},
		  "downstream": {"task": {"freeze": ["encoder"], "head": ["linear(1)"],
		    "loss": "mean((head(encoder(x)) - mean($3))^2)", "metric": "mean($3)", "train": {"epochs": 1, "batch": 2}}}
		}
	MODEL
}
column() { echo "reshape($1, [dim(x, 0), 1])"; }
of_npy="concat([$(column "sum(x, 1) - sum(other, 1)"), $(column "reduce_max(boxes, [1, 2])"), $(column "cast(sum(count, 1), 'float')"), $(column "2 * mask")], axis=1)"
of_idx="concat([$(column "sum(x, 1)"), $(column "sum(other, [1, 2])"), 0 * slice(x, 1, 0, 2)], axis=1)"
agrees() { # READER DATA FEATURES METRIC
	model "$2" "$3" "$4"
	"$sslc" run model.json --quiet --out out >out.txt
	for split in train test; do
		"$sslc" features model.json --checkpoint out/checkpoint.safetensors --split $split --out features.npy >/dev/null
		python3 files.py "$1" $split
	done
}
further="other='other.npy', boxes='boxes.npy', count='count.npy', mask='mask.npy'"
agrees npy "npy('x.npy', $further, test_x='test_x.npy', $(echo "$further" | sed "s/\([a-z]*\)='/test_\1='test_/g"))" "$of_npy" "boxes"
# of samples 4 to 7: their first values are 4, 5, 6, 0, one more in the second box, and 2/8 more on average
grep -q '"networks": "pre-trained", "metric": "mean", "score": 4.5,' out/results.json || { echo "not the mean of the boxes:"; cat out/results.json; exit 1; }
agrees idx "idx('x.idx', other='other.idx', test_images='test_x.idx', test_other='test_other.idx')" "$of_idx" "other"
