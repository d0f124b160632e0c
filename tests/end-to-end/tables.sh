#!/bin/sh
# Tables as data: a series of sensors, as CSV or as NumPy's rows, trains to the same numbers as its windows, cut by Python;
# texts in a column to the same as lines(); and a task on subjects that were held out is learned.
# usage: tables.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
python3 - <<-'PYTHON'
	import csv, math, random, struct
	draw = random.Random(5)
	W, STRIDE = 20, 8
	def npy(name, shape, descr, letter, values):
	    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}\n".encode()
	    with open(name, "wb") as out:
	        out.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + struct.pack(f"<{len(values)}{letter}", *values))
	# ten subjects, each with a loudness of its own, walk and sit by turns
	rows = []
	for subject in range(10):
	    loud = draw.uniform(0.5, 2)
	    for bout in range(6):
	        kind, phase = ("sit", "walk")[bout % 2], draw.uniform(0, 6)
	        for t in range(draw.randint(60, 90)):
	            rate = 0.9 if kind == "walk" else 0.3
	            rows.append((f"s{subject}", loud * math.sin(rate * t + phase) + draw.gauss(0, 0.1), loud * math.cos(rate * t + phase), kind))
	rows = [(s, float(f"{a:.4f}"), float(f"{b:.4f}"), k) for s, a, b, k in rows]
	with open("series.csv", "w", newline="") as out:
	    csv.writer(out).writerows([("subject", "a", "b", "activity")] + rows)
	held = {"s2", "s7"}
	windows = {False: [], True: []}
	start = 0
	for i in range(1, len(rows) + 1):
	    if i == len(rows) or (rows[i][0], rows[i][3]) != (rows[start][0], rows[start][3]):
	        for at in range(start, i - W + 1, STRIDE):
	            windows[rows[start][0] in held].append(rows[at:at + W])
	        start = i
	for test, name in ((False, ""), (True, "test_")):
	    some = windows[test]
	    npy(name + "x.npy", [len(some), W, 2], "<f4", "f", [v for w in some for r in w for v in r[1:3]])
	    npy(name + "y.npy", [len(some)], "<i4", "i", [int(w[0][3] == "walk") for w in some])
	for test, name in ((False, ""), (True, "test_")):
	    some = [r for r in rows if (r[0] in held) == test]
	    npy(name + "rows.npy", [len(some), 2], "<f4", "f", [v for r in some for v in r[1:3]])
	    npy(name + "class.npy", [len(some)], "|u1", "B", [int(r[3] == "walk") for r in some])
	    npy(name + "subject.npy", [len(some)], "<i8", "q", [int(r[0][1:]) for r in some])
	# texts
	with open("lines.tsv", "w") as tsv, open("lines.csv", "w", newline="") as out:
	    table = csv.writer(out, quoting=csv.QUOTE_ALL)
	    table.writerow(["number", "topic", "text"])
	    for i in range(60):
	        topic, text = ("plant", "animal")[i % 2], f'a "thing", number {i * i}'
	        tsv.write(f"{topic}\t{text}\n")
	        table.writerow([i, topic, text])
PYTHON
run() { # NAME DATA ENCODER
	cat >"$1.json" <<-MODEL
		{
		  "name": "same",
		  "data": "$2",
		  "encoder": $3,
		  "pretext": {"a": "encoder(x)", "b": "encoder(x)"},
		  "loss": "vicreg(a, b)",
		  "train": {"epochs": 3, "batch": 16},
		  "downstream": {"task": {"freeze": ["encoder"], "head": ["linear(16)", "relu", "linear(classes)"],
		    "loss": "cross_entropy(head(encoder(x)), label)", "baselines": ["random"], "optimizer": "adam(lr=0.02)", "train": {"epochs": 40, "batch": 16}}}
		}
	MODEL
	"$sslc" run "$1.json" --quiet --out "$1" >"$1.txt"
	sed 's/, "seconds": [^,}]*//' "$1/results.json" >"$1.results"
}
net='["reshape([dim(x, 0), 40])", "linear(32)", "relu", "linear(16)"]'
run csv "csv('series.csv', label='activity', group='subject', hold_out='s2, s7', window=20, stride=8)" "$net"
run npy "npy('x.npy', 'y.npy', 'test_x.npy', 'test_y.npy')" "$net"
run rows "npy('rows.npy', 'class.npy', 'test_rows.npy', 'test_class.npy', subject='subject.npy', test_subject='test_subject.npy', group='subject', window=20, stride=8)" "$net"
# These know what windows are of one subject, whose gain is over two of them then; it is 0 for all.
for name in csv rows; do
	grep -c '"groups": 2, "samples": ' $name.results | grep -qx 2
	sed 's/"groups": 2, //' $name.results | diff -u npy.results -
done
cmp npy/features.npy rows/features.npy
cmp npy/features.npy csv/features.npy
score=$(sed -n 's/.*"pre-trained".*"score": \([0-9.]*\),.*/\1/p' csv.results)
awk "BEGIN { exit !($score > 0.9) }" || { echo "subjects that were held out: $score of the activities are right"; exit 1; }
net='["embedding(256, 8)", "mean_pool"]'
run table "csv('lines.csv', text='text', label='topic', window=24)" "$net"
run lines "lines('lines.tsv', window=24)" "$net"
diff -u lines.results table.results
cmp lines/features.npy table/features.npy
# What gzip has packed, in one member and in two, with remarks before the table.
{ printf 'recorded on a Monday\n"not closed\n' && head -n 30 lines.csv; } | gzip >packed.csv.gz
tail -n +31 lines.csv | gzip >>packed.csv.gz
gzip -c lines.tsv >packed.tsv.gz
run packed "csv('packed.csv.gz', text='text', label='topic', window=24, before=2)" "$net"
run packed_lines "lines('packed.tsv.gz', window=24)" "$net"
diff -u lines.results packed.results
diff -u lines.results packed_lines.results
cmp lines/features.npy packed/features.npy
# A quote in a path is written twice, and is so in what is printed of the model.
cp lines.tsv "Ann's lines.tsv"
run quoted "lines('Ann''s lines.tsv', window=24)" "$net"
diff -u lines.results quoted.results
"$sslc" dump --stage=parse quoted.json >quoted.parsed
grep -q "lines('Ann''s lines.tsv'" quoted.parsed || die "$(grep lines quoted.parsed)"
