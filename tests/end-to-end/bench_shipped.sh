#!/bin/sh
# bench.sh --shipped: data are made once, whole or not at all, by commands that the READMEs of the models give; the table has
# the times and the efficiency that the profile has; what cannot be timed is named with the command that failed.
# usage: bench_shipped.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
mkdir -p models/made models/lost
echo 'mkdir data && echo once >>data/it' | tee models/made/make.sh >models/lost/make.sh
python3 -B - "$root/tools/bench" "$sslc" <<'EOF'
import json, pathlib, re, sys

sys.path.insert(0, sys.argv[1])
import shipped, shipped_data

sslc = pathlib.Path(sys.argv[2])
commands = {"made": ["sh make.sh"], "lost": ["sh make.sh", "echo first >&2; echo apt install it >&2; exit 3", "touch after"]}
prepare = lambda name: shipped_data.prepare(name, "kept", sslc, commands, pathlib.Path("models").resolve())
for _ in range(2):
    assert prepare("made") == (pathlib.Path("kept/made").resolve(), None)
    assert pathlib.Path("kept/made/data/it").read_text() == "once\n", "made again"
    data, why = prepare("lost")
    assert data is None and why.startswith("models/lost/README.md: `echo first") and why.endswith("`: apt install it"), why
    assert [p.name for p in pathlib.Path("kept").iterdir()] == ["made"], "a part is left"
assert prepare("vision") == (None, None)
assert not pathlib.Path("models/made/data").exists(), "data in the folder of the models"

# every command stands in the README of its folder, and every model whose data lie beside it has some
for name, lines in shipped_data.COMMANDS.items():
    text = (shipped_data.MODELS / name / "README.md").read_text(encoding="utf-8")
    for line in lines:
        assert line in text, f"models/{name}/README.md does not say `{line}`"
for name in shipped.names():
    model = json.loads((shipped.ROOT / f"models/{name}.json").read_text(encoding="utf-8"))
    paths = re.findall(r"'([\w/]+\.(?:csv|tsv|txt|json))'", model["data"])
    assert not paths or name.split("/")[0] in shipped_data.COMMANDS, f"{name}: nothing makes {paths}"
assert len(shipped.names()) > 40 and shipped.names(["text"]) == [n for n in shipped.names() if n.startswith("text/")]
assert shipped.names(["text/bag-glosses", "autoencoder"]) == ["autoencoder", "text/bag-glosses"]
for wrong in ("tex", "text/bag", "vision/none"):
    try:
        shipped.names([wrong])
    except KeyError:
        continue
    raise AssertionError(wrong)

# a table of one model that is timed, and of one whose data cannot be made
found = {"kernels": [{"kind": "map", "shape": "a", "seconds": 4e-3, "least_seconds": 2e-3, "roof_seconds": 1e-3},
                     {"kind": "row", "shape": "b", "seconds": 6e-3, "least_seconds": 1e-3, "roof_seconds": 4e-3}]}  # fmt: skip


class Options:
    cases, threads, avx2, least, data = ["autoencoder", "text/bag-glosses"], [1], False, False, "kept"


shipped.prepare = lambda name, folder, sslc: (None, "no words") if name == "text" else (None, None)
asked = []
shipped.profile = lambda name, cores, data, sslc, avx2: asked.append(name) or found
table = shipped.table(Options, sslc, lambda text: None)
assert asked == ["autoencoder"] and "| autoencoder | 1 | 10.0 ms | 50 % | map a: 40 %, 25 % |\n" in table, table
assert "below 50 % of the roof:\n- autoencoder, map a: 40 %, 25 %\n" in table and table.endswith("Not timed:\n- text/bag-glosses: no words"), table
Options.least = True
table = shipped.table(Options, sslc, lambda text: None)
assert "| autoencoder | 1 | 3.00 ms | 67 % | map a: 67 %, 50 % |\n" in table and "below" not in table, table
EOF
ASTERISK=$temp "$root/models/speech/words.sh" 2>err && die "words.sh without recordings"
grep -q 'apt install asterisk-core-sounds-en-wav .* asterisk-prompt-it-menardi-wav$' err || die "words.sh: $(cat err)"
