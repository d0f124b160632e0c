#!/bin/sh
# sslc run --live: on a terminal the screen is drawn in place, fits its width, and ends with the last numbers of
# metrics.jsonl; elsewhere the lines are those without --live. The terminal is Python's pty, and a few lines that do what
# a terminal does with what is written.
# usage: live.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

plain() { sed 's/[0-9.]* samples.s//; s/^in .*//'; }
"$sslc" run "$root/models/autoencoder.json" --epochs 400 --out a --live | plain >live.txt
"$sslc" run "$root/models/autoencoder.json" --epochs 400 --out a | plain | grep -v -e '^note' -e checkpoint.previous >plain.txt
diff -u plain.txt live.txt
! grep -q "$(printf '\033')" live.txt || die "a pipe is drawn on"

cat >check.py <<-'CHECK'
	import fcntl, json, os, pty, re, struct, sys, termios

	def screen(columns, lang, *more):
	    child, terminal = pty.fork()
	    if child == 0:
	        os.environ.update(LC_ALL=lang)
	        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
	        os.execv(sys.argv[1], [sys.argv[1], "run", sys.argv[2], "--epochs", "400", "--out", "t", *more])
	    data = b""
	    while True:
	        try:
	            more = os.read(terminal, 65536)
	        except OSError:
	            break
	        if not more:
	            break
	        data += more
	    assert os.waitpid(child, 0)[1] == 0
	    rows, row, column = [""], 0, 0
	    for part in re.findall(r"\x1b\[\d*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", data.decode("utf-8")):
	        if part == "\n":
	            row += 1
	            rows += [""] * (row + 1 - len(rows))
	        elif part == "\r":
	            column = 0
	        elif part.endswith("A"):
	            row -= int(part[2:-1])
	        elif part.endswith("K"):
	            rows[row] = rows[row][:column]
	        else:
	            assert part[0] != "\x1b", part
	            rows[row] = rows[row][:column] + part + rows[row][column + len(part):]
	            column += len(part)
	    return rows

	# Without --live one line, drawn in place: no part of it is wider than the terminal, which would break it.
	for columns in (120, 80, 40, 10):
	    rows = [r.rstrip() for r in screen(columns, "C") if "% " in r and "epoch" in r or r[:3].isdigit()]
	    assert len(rows) == 1 and len(rows[0]) < columns and "100%" in rows[0], (columns, rows)
	    assert (rows[0][0] == "[") == (columns >= 80), rows

	last = [json.loads(l) for l in open("a/metrics.jsonl")][-1]["loss"]
	for columns in (100, 46, 10):
	    for lang, levels in (("C.UTF-8", "▁▂▃▄▅▆▇█"), ("C", "_.,-~=+#")):
	        rows = screen(columns, lang, "--live")
	        losses = [r for r in rows if r.startswith("loss")]
	        assert len(losses) == 1, rows
	        assert all(len(r) < columns for r in rows if r.startswith(("loss", "[##", "epoch"))), rows
	        if columns > 40:
	            words = losses[0].split()
	            assert float(words[1]) == float("%.5g" % last), (losses, last)
	            course = losses[0].split(None, 2)[2]
	            assert len(course) > 10 and course[0] == levels[7] and course[-1] == levels[0] and set(course) <= set(levels), course
	            assert any("step 400 of 400" in r for r in rows) and any("100%" in r for r in rows) or columns == 46
CHECK
python3 check.py "$sslc" "$root/models/autoencoder.json"
