#!/bin/sh
# Every wrong model of tests/errors/model says exactly what its .err file says, then "rc" and the exit code.
# usage: model_errors.sh <path to sslc>; BLESS=1 rewrites the .err files, to be reviewed before they are committed
set -eu
sslc=$(realpath "$1")
cd "$(dirname "$0")/../errors/model"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
bad=0
for model in *.json; do
	want=${model%.json}.err
	code=0
	"$sslc" check "$model" >/dev/null 2>"$temp/got" || code=$?
	echo "rc $code" >>"$temp/got"
	[ "${BLESS:-}" != 1 ] || cp "$temp/got" "$want"
	diff -u "$want" "$temp/got" || bad=1
done

# With --json the same errors: read from the lines that people are shown.
cat >"$temp/check.py" <<-'CHECK'
	import json, re, subprocess, sys
	def visible(text): # what would steer a terminal is written out there
	    return text and re.sub(r"[\x00-\x1f\x7f]", lambda c: "\\x%02x" % ord(c[0]), text)

	for model in sys.argv[2:]:
	    shown = []
	    for line in open(model[:-5] + ".err", encoding="utf-8"):
	        if m := re.match(r"(?:([^ ].*?):(\d+):(\d+): )?error: (.*)$", line):
	            shown.append([m.groups(), []])
	        elif m := re.match(r"  (?:(.+?):(\d+):(\d+): )?(note|help): (.*)$", line):
	            shown[-1][1].append(m.groups())
	    run = subprocess.run([sys.argv[1], "check", "--json", model], capture_output=True)
	    told = []
	    for line in run.stdout.decode().splitlines():
	        e = json.loads(line)
	        place = lambda x: (x["file"], str(x["line"]), str(x["column"])) if "file" in x else (None,) * 3
	        assert e["severity"] == "error"
	        told.append([place(e) + (e["text"],), [place(r) + (r["kind"], r["text"]) for r in e["remarks"]]])
	    assert run.returncode == 1 and not run.stderr, (model, run)
	    seen = [(tuple(map(visible, e)), [tuple(map(visible, r)) for r in remarks]) for e, remarks in told]
	    assert seen == [tuple(s) for s in shown], (model, seen, shown)
CHECK
python3 "$temp/check.py" "$sslc" *.json || bad=1
exit $bad
