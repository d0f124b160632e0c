#!/bin/sh
# The tour of compiler/README.md: what it shows of the model's stages is what the program prints. A block begins with its
# command; lines that follow each other there do so in the output, "..." stands for any others.
# usage: compiler_tour.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
[ "$(uname -m)" = x86_64 ] || exit 77 # --cpu of another machine needs its --target
PATH=$(dirname "$sslc"):$PATH python3 - "$root/compiler/README.md" <<'PYTHON'
import re, subprocess, sys

page = open(sys.argv[1], encoding="utf-8").read()
tour = re.search(r"^## One model, stage by stage\n(.*?)^## ", page, re.S | re.M).group(1)
open("tour.json", "w").write(re.search(r"^```json\n(.*?)^```", tour, re.S | re.M).group(1))
shown = {}
for command, block in re.findall(r"^```\n\$ (sslc .*?)\n(.*?)^```", tour, re.S | re.M):
    output = subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout.split("\n")
    at, open_begin = 0, False
    for part in re.split(r"^\.\.\.\n", block, flags=re.M):
        lines = part.split("\n")[:-1]
        places = range(at, len(output) if open_begin else at + 1)
        found = next((i for i in places if output[i:i + len(lines)] == lines), None)
        assert found is not None, f"compiler/README.md shows of '{command}':\n{part}but it prints:\n" + "\n".join(output[at:at + 60])
        at, open_begin = found + len(lines), True
    shown[command.split()[1] if "--stage" not in command else re.search(r"--stage=(\S+)", command).group(1)] = True
stages = ["parse", "elaborate", "autodiff", "schedule", "plan", "llvm", "asm", "compile"]
assert list(shown) == stages, f"the tour shows {list(shown)}"
PYTHON
