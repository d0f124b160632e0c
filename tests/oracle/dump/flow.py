"""Holds the control-flow graph of `sslc dump --stage=STAGE --dot` against the text of the same stage. Of LLVM's, LLVM's own
dot-cfg draws the truth where `opt` is there; of x86's assembly, this reads the jumps in another way: by addresses.
usage: python3 flow.py STAGE DUMP.dot DUMP.txt [OPT]
"""
import collections, os, re, subprocess, sys, tempfile

stage, drawing, text = sys.argv[1], open(sys.argv[2]).read(), open(sys.argv[3]).read()
ours = {}
for name, body in re.findall(r'  subgraph "cluster_(\w+)" \{\n(.*?)\n  \}\n', drawing, re.S):
    blocks = dict(re.findall(r'^    (n\d+) \[label="((?:[^"\\]|\\.)*)"\];$', body, re.M))
    edges = re.findall(r"^    (n\d+) -> (n\d+);$", body, re.M)
    assert len(edges) == body.count("->") - sum(b.count("->") for b in blocks.values())
    ours[name] = (blocks, edges)


def shape(blocks, edges):  # what does not depend on the names of blocks
    out, into = collections.Counter(a for a, _ in edges), collections.Counter(b for _, b in edges)
    return sorted((out[b], into[b]) for b in blocks)


if stage != "asm":
    assert set(ours) == set(re.findall(r"^define .*@(\w+)\(", text, re.M))
    for name, (blocks, edges) in ours.items():
        body = re.search(r"^define [^\n]*@%s\([^\n]*\{\n(.*?)^\}" % name, text, re.S | re.M)[1]
        assert sum(label.count(r"\l") for label in blocks.values()) == len([l for l in body.split("\n") if l])
    with tempfile.TemporaryDirectory() as room:
        if len(sys.argv) > 4:
            open(room + "/a.ll", "w").write(text)
            subprocess.run([sys.argv[4], "-passes=dot-cfg", "-disable-output", "a.ll"], cwd=room, check=True, capture_output=True)
            for name, (blocks, edges) in ours.items():
                theirs = open(f"{room}/.{name}.dot").read()
                own = re.findall(r"^\t(Node0x\w+) \[", theirs, re.M)
                arrows = re.findall(r"^\t(Node0x\w+)(?::\w+)? -> (Node0x\w+)", theirs, re.M)
                assert shape(own, arrows) == shape(blocks, edges), name
else:
    assert set(ours) == set(re.findall(r"^\t\.type\t(\w+),@function", text, re.M))
    for name, (blocks, edges) in ours.items():
        body = re.search(r"^%s:\n(.*?)^\.Lfunc_end" % name, text, re.S | re.M)[1]
        code, place = [], {}  # instructions, and at which of them labels stand
        for line in body.split("\n"):
            if re.match(r"\S+:$", line):
                place[line[:-1]] = len(code)
            elif re.match(r"\t[^.]", line):
                code.append(line.split())
        jump = lambda c: c[0][0] == "j" and c[1] in place
        ends = lambda c: c[0] in ("jmp", "jmpq", "retq", "ud2")
        starts = {0} | {place[c[1]] for c in code if jump(c)} | {i + 1 for i, c in enumerate(code[:-1]) if jump(c) or ends(c)}
        starts |= {i for l, i in place.items() if l.startswith(".LBB")}
        last = lambda s: min([i for i in starts if i > s], default=len(code)) - 1
        arrows = [(s, place[code[last(s)][1]]) for s in starts if jump(code[last(s)])]
        arrows += [(s, last(s) + 1) for s in starts if not ends(code[last(s)]) and last(s) + 1 < len(code)]
        assert shape(starts, arrows) == shape(blocks, edges), name
assert sum(len(e) for _, e in ours.values()) > 20
