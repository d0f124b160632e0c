#!/bin/sh
# sslc fmt: the shipped models are in its form; a file of another form gets it, as written down here, and keeps it; a model
# without any form means the same before and after; --check changes nothing; what is no JSON stays as it is.
# usage: fmt.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

(cd "$root" && "$sslc" fmt --check $(git ls-files 'models/*.json' 2>/dev/null || find models -name '*.json')) || die "run sslc fmt on these"

cat >given.json <<'END'
{"name":"a  b",   "about": ["keeps  its spaces", "x+1"],

  "data":"normal( 16,24 ,seed = 0 )", "define": {"f(x, a=-1)": "x*-a+2 ^ -x[0,1]", "g(x)": {
"y" : "select(x<=0.5, (x+1)*(x - 1), -x)", "set s": "g( x )( [ -1,2 ] )", "text": "f('a  b''s',x==1)", "bad": "x +"}, "h": ["relu", ["tanh","linear(1e-3)"]], "empty": [], "n":1.50},


  "long": ["linear(100)", "relu", "linear(100)", "relu", "linear(100)", "relu", "linear(100)", "relu", "linear(100)", "relu", "tanh"],
  "escaped": "a\u002bb", "train": {"epochs":1,"shuffle":true, "seed" : 1E2}, "none": null}
END
cat >want.json <<'END'
{
  "name": "a  b",
  "about": ["keeps  its spaces", "x+1"],

  "data": "normal(16, 24, seed=0)",
  "define": {
    "f(x, a=-1)": "x * -a + 2^-x[0, 1]",
    "g(x)": {
      "y": "select(x <= 0.5, (x + 1) * (x - 1), -x)",
      "set s": "g(x)([-1, 2])",
      "text": "f('a  b''s', x == 1)",
      "bad": "x +"
    },
    "h": ["relu", ["tanh", "linear(1e-3)"]],
    "empty": [],
    "n": 1.50
  },

  "long": [
    "linear(100)",
    "relu",
    "linear(100)",
    "relu",
    "linear(100)",
    "relu",
    "linear(100)",
    "relu",
    "linear(100)",
    "relu",
    "tanh"
  ],
  "escaped": "a\u002bb",
  "train": {"epochs": 1, "shuffle": true, "seed": 1E2},
  "none": null
}
END
cp given.json file.json
code=0
"$sslc" fmt --check file.json >out 2>err || code=$?
[ $code = 1 ] && grep -q '^file.json$' out && cmp given.json file.json || die "--check: $code"
[ "$("$sslc" fmt file.json)" = file.json ] || die "it does not say what it wrote"
diff want.json file.json || die "another form"
[ -z "$("$sslc" fmt file.json want.json)" ] && "$sslc" fmt --check file.json || die "its form has another form"

# A byte order mark is left out; a link stays one, and the file behind it who may read it.
{ printf '\357\273\277' && cat given.json; } >marked.json
ln -s marked.json link.json
chmod 640 marked.json
"$sslc" fmt link.json >/dev/null
diff want.json marked.json || die "another form behind a byte order mark"
[ -L link.json ] && [ "$(stat -c %a marked.json)" = 640 ] || die "not the file that it was: $(ls -l link.json marked.json)"

# Without any form (one line, no spaces but in texts), and with a line for all: the same model.
python3 - "$root"/models/*.json "$root"/models/vision/*.json "$root"/models/text/*.json "$root"/models/speech/*.json "$root"/models/series/*.json "$root"/models/pairs/*.json <<'PYTHON'
import json, os, sys
for path in sys.argv[1:]:
    model = json.load(open(path))
    for kind, form in ("tight", {"separators": (",", ":")}), ("loose", {"indent": 7}):
        json.dump(model, open(f"{kind}-{os.path.basename(path)}", "w"), ensure_ascii=False, **form)
    tight = lambda x: ({k: tight(v) for k, v in x.items()} if isinstance(x, dict) else [tight(v) for v in x] if isinstance(x, list)
                       else x.replace(", ", ",").replace(" * ", "*").replace(" + ", "  +\t") if isinstance(x, str) and "'" not in x else x)
    model = {k: v if k in ("name", "about") else tight(v) for k, v in model.items()}
    json.dump(model, open(f"close-{os.path.basename(path)}", "w"), ensure_ascii=False)
PYTHON
count=0
for file in tight-*.json loose-*.json close-*.json; do
	"$sslc" dump --stage=parse "$root"/models/*/"${file#*-}" >before 2>/dev/null || "$sslc" dump --stage=parse "$root/models/${file#*-}" >before
	"$sslc" fmt "$file" >out
	"$sslc" dump --stage=parse "$file" >after
	name='  "name": '
	cmp -s before after || [ "$(grep -v "^$name" before)" = "$(grep -v "^$name" after)" ] || die "$file means something else"
	"$sslc" fmt --check "$file" || die "$file: not the same twice"
	count=$((count + 1))
done
[ $count -gt 90 ] || die "only $count files"
for form in tight close; do # the graph itself, without the places
	cp "$root/models/autoencoder.json" .
	"$sslc" dump autoencoder.json | sed 's/ *#.*//' >before
	"$sslc" dump $form-autoencoder.json | sed 's/ *#.*//' >after
	cmp before after
done

printf '{"data": 1,}' >bad.json
cp bad.json kept.json
code=0
"$sslc" fmt bad.json want.json none.json >out 2>err || code=$?
[ $code = 1 ] && cmp bad.json kept.json && grep -q '^bad.json:1:12: error: ' err && grep -q "^sslc: error: cannot read the model file 'none.json'" err ||
	die "bad JSON: $code, $(cat err)"
