#!/bin/sh
# Errors on a terminal: colour, and the section of models/README.md that explains them (compiler/base/explained.def), which is
# there; those of commands name a section of a README (tools/sslc/explained.def); the same without either for NO_COLOR and pipes; --json names it.
# usage: explained.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
python3 - "$sslc" "$root" <<'PYTHON'
import glob, json, os, pty, re, subprocess, sys, threading

sslc, root = sys.argv[1:]
readme = open(root + "/models/README.md").read()
headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", readme, flags=re.S), re.M)
anchor = lambda h: re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-")
table = re.findall(r'^EXPLAINED\( *(\S+), *"(.*?)", *"(.*?)" \)$', open(root + "/compiler/base/explained.def").read(), re.M)
assert len(table) > 30, len(table)
for file, part, section in table:
    assert section in headings, f"explained.def names the section '{section}', which models/README.md has not"
    assert file == "DATA_OF_MODEL" or os.path.exists(f"{root}/compiler/{file.strip(chr(34)).removeprefix('compiler/')}"), file


def on_terminal(arguments, **environment):
    reader, writer = pty.openpty()
    process = subprocess.Popen([sslc] + arguments, stdout=subprocess.DEVNULL, stderr=writer, env=os.environ | environment)
    end = b"\0" # written behind the last word: a terminal that nobody has open any more may lose what is not read
    threading.Thread(target=lambda: (process.wait(), os.write(writer, end))).start()
    text = b""
    while not text.endswith(end):
        text += os.read(reader, 65536)
    os.close(reader), os.close(writer)
    return text.removesuffix(end).decode().replace("\r\n", "\n")


model = lambda loss: json.dump({"data": "normal(8, 4)", "encoder": ["linear(4)"], "loss": loss, "train": {"batch": 8}}, open("m.json", "w"))
os.environ.pop("NO_COLOR", None)
colours = re.compile(r"\033\[[0-9;]*m")
for loss, section in [("mse(encoder(x), y)", "Layers and chains"), ("mse(encoder(x), x", "Expressions"),
                      ("mean(x - mean(x, 0))", "Shapes that stretch"), ("mean(slice(x, 7, 0, 1))", "Builtins")]:
    model(loss)
    plain = subprocess.run([sslc, "check", "m.json"], capture_output=True, text=True).stderr
    shown = on_terminal(["check", "m.json"])
    said = json.loads(subprocess.run([sslc, "check", "--json", "m.json"], capture_output=True, text=True).stdout.splitlines()[-1])
    see = f"  see:  models/README.md#{anchor(section)}\n"
    assert "\033" not in plain and "see:" not in plain and plain
    assert "\033[1;31merror:\033[0m" in shown
    assert colours.sub("", shown) == plain + see, (shown, plain, see)
    assert on_terminal(["check", "m.json"], NO_COLOR="1") == plain
    assert said["section"] == section and said["link"] == f"models/README.md#{anchor(section)}", said
for data in ["npy('none.npy')", "normal(8, 4, 1, 2, 3)"]:
    json.dump({"data": data, "encoder": ["linear(4)"], "loss": "mse(encoder(x), x)"}, open("m.json", "w"))
    assert on_terminal(["check", "m.json"]).endswith("models/README.md#data\n"), data
for data, section in ("csv", "tables"), ("images", "pictures"), ("text", "text"), ("lines", "text"), ("audio", "recordings"):
    json.dump({"data": f"{data}('none')", "encoder": ["linear(4)"], "loss": "mse(encoder(x), x)"}, open("m.json", "w"))
    assert on_terminal(["check", "m.json"]).endswith(f"models/README.md#{section}\n"), data

# Errors of commands: the table's sections are there, and each kind of error shows its own.
rows = re.findall(r'^EXPLAINED\( *"(.*?)", *"(.*?)", *"(.*?)", *"(.*?)" \)$', open(root + "/tools/sslc/explained.def").read(), re.M)
assert len(rows) > 10 and rows[-1][:2] == ("", ""), rows
for file, part, page, section in rows:
    assert re.search(rf"^#+ {re.escape(section)}$", open(f"{root}/{page}").read(), re.M), (page, section)
model("mse(encoder(x), x) + mean(log(sum(x) * 0))")
open("broken.safetensors", "w").write("none")
for arguments, see in [(["rnu"], "README.md#using-it"), (["run", "--epohcs=3", "m.json"], "README.md#using-it"),
                       (["run", "m.json"], "models/README.md#nan-and-infinity"),
                       (["run", "m.json", "--init", "broken.safetensors"], "README.md#what-a-run-leaves"),
                       (["run", "m.json", "--resume", "--out", "no"], "README.md#what-a-run-leaves"),
                       (["report", "none"], "runtime/report/README.md#reports"),
                       (["dump", "--stage=asn", "m.json"], "compiler/README.md#one-model-stage-by-stage")]:
    plain = subprocess.run([sslc] + arguments, capture_output=True, text=True).stderr
    shown = colours.sub("", on_terminal(arguments))
    assert "see:" not in plain and shown.count("see:") == 1 and f"\n  see:  {see}\n" in shown, (arguments, shown)
    assert shown.rstrip().split("\n")[-1] == f"  see:  {see}", (arguments, shown) # behind all advice
    assert on_terminal(arguments, NO_COLOR="1") == plain or arguments[0] == "run", (arguments, plain)

# Of all errors that tests/errors has, all but those of limits have a section.
without = []
for path in sorted(glob.glob(root + "/tests/errors/model/*.json")):
    lines = subprocess.run([sslc, "check", "--json", path], capture_output=True, text=True, errors="replace").stdout.splitlines()
    without += [(os.path.basename(path), m["text"]) for m in map(json.loads, lines) if "section" not in m]
assert len(without) <= 3, without
PYTHON
