#!/bin/sh
# sslc schema: a validator of others takes every model that we ship, and refuses what sslc check refuses: wrong keys and kinds.
# usage: schema.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
python3 -c 'import jsonschema' 2>/dev/null || { echo "SKIPPED: this needs Debian's python3-jsonschema"; exit 77; }
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
	$base, "train": {"batch": "4"}
	$base, "train": {"batch": "2 * sweep(1, 2)"}
	$base, "train": {"shuffle": "true"}
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
	$base, "downstream": {"probe": {"freeze": ["encoder"], "collect": {"f": "encoder(x)"}}}
	$base, "downstream": {"probe": {$task, "bank": {"f": "encoder(x)"}, "metric": "mean(f)"}}
	$base, "downstream": {"probe": {$task, "optimiser": "adam"}}
	$base, "downstream": {"probe": {$task, "baselines": ["none"]}}
	$base, "downstream": {"probe": {$task, "labels": 0}}
	$base, "downstream": {"probe": {$task, "labels": "half"}}
	"data": "normal(8, 4)", "encoder": ["linear(4)"]
	"encoder": ["linear(4)"], "loss": "mean(encoder(x))"
WRONG
cat >right.txt <<-RIGHT
	$base
	"data": "normal(8, 4)", "encoder": ["relu", ["tanh", ["linear(4)"]]], "loss": "mse(encoder(x), x)", "train": {"epochs": 1, "batch": 2, "seed": 0, "shuffle": false}
	$base, "define": {"two": 2, "f(x)": {"a": "x", "b": "a", "y": "b"}, "g(x)": ["relu"]}, "precision": "bf16", "features": {"a": "encoder(x)"}
RIGHT
cat >swept.txt <<-SWEPT
	$base, "train": {"epochs": "sweep(1)", "batch": "sweep(from=2, to=4, count=2, whole=1)", "seed": "sweep (3)", "shuffle": "sweep(true)"}
	$base, "precision": "sweep('f32', 'bf16')"
	"data": "csv('rows.csv', label='kind', test=0.5)", "encoder": ["linear(4)"], "loss": "mse(encoder(x), x)", "train": {"epochs": 1, "batch": 2}, "downstream": {"probe": {"freeze": ["encoder"], "head": ["linear(2)"], "loss": "mean(head(encoder(x))^2)", "labels": "sweep(0.5)", "train": {"epochs": 1, "batch": "sweep(2)"}}}
SWEPT
while read -r line; do
	echo "{$line}" >model.json
	! "$sslc" check model.json >/dev/null 2>&1 || { echo "the parser takes $line"; exit 1; }
done <wrong.txt
while read -r line; do
	echo "{$line}" >model.json
	"$sslc" check model.json >/dev/null 2>&1 || { echo "the parser refuses $line"; "$sslc" check model.json; exit 1; }
done <right.txt
{ echo a,b,c,d,kind && printf '0.1,0.2,0.3,0.4,one\n0.5,0.6,0.7,0.8,two\n%.0s' 1 2 3 4 5 6 7 8 9 10; } >rows.csv
while read -r line; do # a model that leaves numbers open
	echo "{$line}" >model.json
	"$sslc" sweep model.json --out swept >out.txt 2>&1 || { echo "sslc sweep refuses $line"; cat out.txt; exit 1; }
	rm -r swept
done <swept.txt

python3 - "$root"/models/*.json "$root"/models/vision/*.json "$root"/models/text/*.json "$root"/models/speech/*.json "$root"/models/series/*.json "$root"/models/pairs/*.json "$root"/tools/bench/models/*.json <<'PYTHON'
import json, sys
import jsonschema

schema = json.load(open("schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
valid = jsonschema.Draft7Validator(schema).is_valid
models = {path: json.load(open(path)) for path in sys.argv[1:]}
models.update({line: json.loads("{" + line + "}") for file in ("right.txt", "swept.txt") for line in open(file)})
bad = ["the schema refuses " + name for name, model in models.items() if not valid(model)]
bad += ["the schema takes " + line for line in open("wrong.txt") if valid(json.loads("{" + line + "}"))]
layers = schema["definitions"]["layer"]["examples"]
if "linear(units, bias=1)" not in layers or not any(o.startswith("adamw(lr=0.001") for o in schema["definitions"]["optimizer"]["examples"]):
    bad.append("the library is not among the examples")
readers = {e.split("(")[0] for e in schema["definitions"]["reader"]["examples"]}
bad += ["the schema knows no reader " + r for r in {"npy", "npz", "csv", "images", "lines", "audio"} - readers]
sys.exit("\n".join(bad) if bad else 0)
PYTHON
