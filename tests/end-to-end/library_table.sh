#!/bin/sh
# The table of models/README.md names what the library is for: what no text of the library calls itself, and what a shipped model
# calls; and what it names is there.
# usage: library_table.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
cat >table.py <<'CHECK'
import json, pathlib, re, sys

models = pathlib.Path(sys.argv[1])
page = (models / "README.md").read_text(encoding="utf-8")
rows = dict(re.findall(r"^\| \[(\w+)\]\(lib/\w+\.json\) \| (.*) \|$", page, re.M))
home, body = {}, {}
for path in sorted((models / "lib").glob("*.json")):
    for head, text in json.loads(path.read_text(encoding="utf-8"))["define"].items():
        name = re.match(r"\w+", head)[0]
        home[name] = path.stem
        body[name] = json.dumps([head[len(name) :], text])

inside = {word for name, text in body.items() for word in re.findall(r"\w+", text) if word != name}
wanted = {name: "no text of the library calls it" for name in home if name not in inside}
files = [path for path in models.rglob("*.json") if path.parent.name != "lib"]
for path in files:
    model = json.loads(path.read_text(encoding="utf-8"))
    own = {re.match(r"\w+", head)[0] for head in model.get("define", {})} | set(model)
    for name in re.findall(r"\b(\w+)\(", json.dumps(model)):
        if name in home and name not in own:
            wanted.setdefault(name, f"{path.relative_to(models)} calls it")

bad = [f"{home[name]}: its row has no '{name}': {why}" for name, why in sorted(wanted.items())
       if not re.search(rf"\b{name}\b", rows.get(home[name], ""))]
bad += [f"{file}: no definition '{word}'" for file, row in rows.items() for word in re.findall(r"\b[a-z0-9]+_[a-z0-9_]+\b", row)
        if home.get(word) != file]
print("\n".join(bad))
sys.exit(bool(bad) or len(files) < 40 or len(home) < 300)
CHECK
python3 table.py "$root/models"
