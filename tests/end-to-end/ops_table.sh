#!/bin/sh
# `sslc ops` prints every row of graph/ops.def, whole and in its order, and no field of two words where one word belongs.
# usage: ops_table.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
"$sslc" ops >printed
cat >table.py <<'CHECK'
import re, sys

text = open(sys.argv[1], encoding="utf-8").read()
field = r'\s*("(?:[^"\\]|\\.)*"|[\w]+)\s*'
rows = [[re.sub(r'^"|"$', "", f) for f in row] for row in re.findall(r"^OP\(" + ",".join([field] * 12) + r"\)$", text, re.M)]
assert len(rows) == len(re.findall(r"^OP\(", text, re.M)) > 40, "a row of ops.def was not understood"
printed = open("printed", encoding="utf-8").read().splitlines()
heads = printed[0].split()
assert heads == ["op", "operands", "kind", "types", "gradient", "meaning"], heads
starts = [printed[0].index(head) for head in heads] + [None]
for row, line in zip(rows, printed[1:], strict=True):
    name, _, operands, kind, _, gradient, types, _, _, _, _, meaning = row
    columns = [line[a:b].strip() for a, b in zip(starts, starts[1:])]
    assert columns == [name, operands, kind, types, gradient, meaning], line
CHECK
python3 table.py "$root/compiler/graph/ops.def"
