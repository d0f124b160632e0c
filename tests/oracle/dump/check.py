"""Holds `sslc dump --json` against the schema beside this file, and against the text of the same stage: of a graph, the text is
made again from the JSON and must be equal; of kernels and the plan, the numbers of the text must be in it.
usage: python3 check.py STAGE DUMP.json DUMP.txt
"""
import json, os, re, sys
import jsonschema

stage, data, text = sys.argv[1], json.load(open(sys.argv[2])), open(sys.argv[3]).read()
if stage == "parse":
    sys.exit(0 if data["loss"] else "no loss")
schema = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema.json")))
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.validate(data, schema)
assert data["stage"] == stage and data["graph"] == "step"


def number(x):
    return x if isinstance(x, str) else "%.0f" % x if x == int(x) and abs(x) < 1e7 else repr(x)


def attributes(node):
    a, words = node["attributes"], lambda v: "".join(f" {i}" for i in v)
    if node["op"] == "constant":
        return " " + value(node)
    if "name" in a:
        return " " + a["name"]
    if node["op"] == "dot":
        parts = [f"{k}{words(a[k][0])} |{words(a[k][1])}" for k in ("batch", "contract") if a[k][0]]
        return " {" + ", ".join(parts) + "}"
    if "axes" in a:
        return " {axes" + words(a["axes"]) + "}"
    if not a:
        return ""
    parts = [k + (words(v) if isinstance(v, list) else " " + number(v)) for k, v in a.items() if not isinstance(v, bool)]
    return " {" + ", ".join(parts + [k for k, v in a.items() if v is True]) + "}"


def value(node):  # as it stands in the file: the shortest digits of its type, which a double has others for
    return re.search(r'"id": %d, "op": "constant".*?"value": "?([^,}"]*)' % node["id"], source)[1]


def lines(body, indent):
    for n in body["nodes"]:
        shape = ",".join(map(str, n["shape"]))
        yield f"{' ' * indent}%{n['id']} = {n['op']}{''.join(f' %{i}' for i in n['in'])}{attributes(n)} : {n['type']}[{shape}]"
        assert all(0 < i < n["id"] for i in n["in"])
        if n["op"] == "scan":
            yield from lines(n["body"], indent + 2)
            yield f"{' ' * indent}end"
    for o in body["outputs"]:
        yield f"{' ' * indent}out {o['name']} = %{o['node']}"
    for s in body["sets"]:
        yield f"{' ' * indent}set %{s['state']} = %{s['node']}"


def flat(kernels):
    for k in kernels["kernels"]:
        yield k
        if "body" in k:
            yield from flat(k["body"])


source = open(sys.argv[2]).read()
if "nodes" in data:
    places = [f"{n['place'][0]}:{n['place'][1]}:{n['place'][2]}" for n in data["nodes"] if "place" in n]
    for ours, theirs in zip(lines(data, 2), (l for l in text.split("\n")[1:] if l), strict=True):
        assert re.sub(r" *# .*$", "", theirs) == ours or "constant" in ours and "  " in ours[:4], (ours, theirs)
    assert places == re.findall(r"^  %.* # (\S+)$", text, re.M)
elif "kernels" in data:
    heads = re.findall(r"^  @(\d+) (\w+).*?  tiles (\d+)", text, re.M)
    all_kernels = list(flat(data))
    assert [(str(k["number"]), k["kind"], str(k["tiles"])) for k in all_kernels] == heads
    for k in all_kernels:
        assert len(k["results"]) == len(k["stored_in"]) > 0
    stores = re.findall(r"^    store (.*) = ", text, re.M)
    stored = [b for k in all_kernels for b in k["stored_in"]]
    assert len(stores) == len(stored)
    assert all(name == f"b{b}" for name, b in zip(stores, stored) if re.fullmatch(r"b\d+", name))
elif "buffers" in data:
    rows = re.findall(r"^  b(\d+) +(\w+)\[([\d,]*)\] +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.M)
    ours = [(b["buffer"], b["type"], ",".join(map(str, b["shape"])), b["bytes"], b["offset"], b["first"], b["last"]) for b in data["buffers"]]
    assert [tuple(map(str, o)) for o in ours] == rows and rows
    assert max(b["offset"] + b["bytes"] for b in data["buffers"]) <= data["peak"] and data["lower_bound"] <= data["peak"]
    for i, p in enumerate(data["buffers"]):  # no two that live at the same time overlap
        for q in data["buffers"][:i]:
            if p["first"] <= q["last"] and q["first"] <= p["last"]:
                assert p["offset"] >= q["offset"] + q["bytes"] or q["offset"] >= p["offset"] + p["bytes"], (p, q)
else:
    assert data["lines"] == text.split("\n")[:-1]
