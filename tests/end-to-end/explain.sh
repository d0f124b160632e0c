#!/bin/sh
# sslc explain: its page holds the dumps of the stages, every kernel of them has its code and its time, and every place is
# one of the model file. What reads the page here is Python's html.parser and json.
# usage: explain.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

# Two equal towers, so that kernels share their code; attention, so that there are chains.
cat >model.json <<-'MODEL'
	{
	  "name": "towers",
	  "data": "normal(64, 128)",
	  "encoder": ["reshape([32, 16, 8])", "attention(2)", "linear(8)", "relu", "linear(8)", "relu", "flatten"],
	  "decoder": ["linear(128)"],
	  "loss": "mse(decoder(encoder(x)), x) + mse(decoder(encoder(-x)), -x)",
	  "train": {"epochs": 1, "batch": 32}
	}
MODEL
"$sslc" explain model.json --out page.html >said
grep -q '^step of towers explained in page.html (' said
"$sslc" explain model.json --function init --out init.html >/dev/null
"$sslc" explain "$root/models/autoencoder.json" --function features --threads 2 >/dev/null
for stage in tidy schedule llvm-optimized asm; do "$sslc" dump --stage=$stage model.json >$stage.txt; done

cat >check.py <<-'CHECK'
	import re
	from page import page

	data = page("page.html")
	model = open("model.json").read()
	assert data["model"] == model and data["graph"] == open("tidy.txt").read() and data["kernels"] == open("schedule.txt").read()
	places = re.findall(r"# model\.json:(\d+):(\d+)$", data["graph"], re.M)
	assert len(places) > 50
	lines = model.split("\n")
	assert all(0 < int(column) <= len(lines[int(line) - 1]) for line, column in places)

	def bare(code): # the linker's constants are numbered anew in each compilation
	    return re.sub(r"\.L[A-Z]+\d+_\d+", ".L", code)

	# Every kernel has code: its own, or that of the earlier one which the dump names.
	heads = re.findall(r"^  @(\d+) (.*)$", data["kernels"], re.M)
	shared = {n: re.search(r" code of @(\d+)$", head) for n, head in heads}
	own = {"k" + n for n, same in shared.items() if not same}
	assert any(shared.values()) and any("chain of" in head for _, head in heads)
	for stage, key in (("llvm-optimized", "llvm"), ("asm", "asm")):
	    text = open(stage + ".txt").read()
	    names = {n for n in data[key] if not n.endswith(" cut")}
	    assert own == {n for n in names if n[0] == "k"}, (stage, own ^ names)
	    assert all(int(same[1]) < int(n) and "k" + same[1] in names for n, same in shared.items() if same)
	    for name in own:
	        assert name in data[key][name].split("\n")[0], (key, name, data[key][name][:200])
	        assert bare(data[key][name]) in bare(text), (key, name)

	# Every kernel but those inside of a chain was measured.
	measured = [k["number"] for k in data["profile"]["kernels"]]
	assert sorted(measured) == [int(n) for n, head in heads if "in the chain" not in head]
	assert all(k["seconds"] > 0 for k in data["profile"]["kernels"])
	assert page("init.html")["function"] == "init" and page("explain.html")["name"] == "autoencoder"
CHECK
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tests/end-to-end/shared" python3 check.py

. "$root/tests/end-to-end/shared/refused.sh"
cp page.html before.html
fails 1 "did you mean 'step'?" explain model.json --function stpe --out page.html
fails 1 "cannot read the model file 'none.json'" explain none.json --out page.html
fails 4 'no/where.html' explain model.json --out no/where.html
cmp page.html before.html

command -v chromium >/dev/null || exit 0
chromium --headless --no-sandbox --disable-gpu --user-data-dir="$temp/browser" --window-size=1280,1000 --virtual-time-budget=2000 \
	--enable-logging=stderr --dump-dom "file://$temp/page.html" >dom.html 2>log.txt || { echo "chromium does not run"; exit 0; }
! grep -i 'CONSOLE' log.txt || die "the page's script complains"
grep -q 'class="kernel near chosen"' dom.html
