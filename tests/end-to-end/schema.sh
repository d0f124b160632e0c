#!/bin/sh
# sslc schema: a validator of others takes every model that we ship, and refuses what sslc check refuses: wrong keys and kinds.
# usage: schema.sh <path to sslc>
set -eu
python3 -c 'import jsonschema' 2>/dev/null || exit 0
sslc=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
"$sslc" schema >schema.json

# As a model with one thing changed: the parser, too, must refuse it.
base='"data": "normal(8, 4)", "encoder": ["linear(4)"], "loss": "mse(encoder(x), x)"'
task='"freeze": ["encoder"], "loss": "mse(encoder(x), x)"'
cat >wrong.txt <<-WRONG
	$base, "optimiser": "adam"
	$base, "head": []
	$base, "train": {"epoch": 3}
	$base, "train": {"epochs": 0}
	$base, "train": {"batch": 1.5}
	$base, "train": {"shuffle": 1}
	$base, "train": []
	$base, "precision": "f16"
	$base, "pretext": "x"
	$base, "about": 3
	$base, "define": ["x"]
	$base, "optimizer": 0.1
	"data": "normal(8, 4)", "encoder": [["linear(4)", 3]], "loss": "mse(encoder(x), x)"
	$base, "features": null
	$base, "downstream": {"probe": {"freeze": ["encoder"]}}
	$base, "downstream": {"probe": {"freeze": ["encoder"], "bank": {"f": "encoder(x)"}}}
	$base, "downstream": {"probe": {$task, "bank": {"f": "encoder(x)"}, "metric": "mean(f)"}}
	$base, "downstream": {"probe": {$task, "optimiser": "adam"}}
	$base, "downstream": {"probe": {$task, "baselines": ["none"]}}
	$base, "downstream": {"probe": {$task, "labels": 0}}
	"data": "normal(8, 4)", "encoder": ["linear(4)"]
	"encoder": ["linear(4)"], "loss": "mean(encoder(x))"
WRONG
cat >right.txt <<-RIGHT
	$base
	"data": "normal(8, 4)", "encoder": ["relu", ["tanh", ["linear(4)"]]], "loss": "mse(encoder(x), x)", "train": {"epochs": 1, "batch": 2, "seed": 0, "shuffle": false}
	$base, "define": {"two": 2, "f(x)": {"a": "x", "b": "a", "y": "b"}, "g(x)": ["relu"]}, "precision": "bf16", "features": {"a": "encoder(x)"}
RIGHT
while read -r line; do
	echo "{$line}" >model.json
	! "$sslc" check model.json >/dev/null 2>&1 || { echo "the parser takes $line"; exit 1; }
done <wrong.txt
while read -r line; do
	echo "{$line}" >model.json
	"$sslc" check model.json >/dev/null 2>&1 || { echo "the parser refuses $line"; "$sslc" check model.json; exit 1; }
done <right.txt

python3 - "$root"/models/*.json "$root"/models/vision/*.json "$root"/models/text/*.json "$root"/models/speech/*.json "$root"/tools/bench/models/*.json <<'PYTHON'
import json, sys
import jsonschema

schema = json.load(open("schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
valid = jsonschema.Draft7Validator(schema).is_valid
models = {path: json.load(open(path)) for path in sys.argv[1:]}
models.update({line: json.loads("{" + line + "}") for line in open("right.txt")})
bad = ["the schema refuses " + name for name, model in models.items() if not valid(model)]
bad += ["the schema takes " + line for line in open("wrong.txt") if valid(json.loads("{" + line + "}"))]
layers = schema["definitions"]["layer"]["examples"]
if "linear(units, bias=1)" not in layers or not any(o.startswith("adamw(lr=0.001") for o in schema["definitions"]["optimizer"]["examples"]):
    bad.append("the library is not among the examples")
readers = {e.split("(")[0] for e in schema["definitions"]["reader"]["examples"]}
bad += ["the schema knows no reader " + r for r in {"npy", "npz", "csv", "images", "lines", "audio"} - readers]
sys.exit("\n".join(bad) if bad else 0)
PYTHON
