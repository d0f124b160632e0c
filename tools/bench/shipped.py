"""Times a step of every model under models/ in sslc, and the efficiency of its kernels. See README.md; run by
bench.sh --shipped. A model whose data are not on this machine is named with the error."""

import json
import os
import pathlib
import subprocess
import tempfile

import report
from contender import AVX2_CPU, environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = 12


def paths():
    """Their model files, the library apart."""
    return sorted(path for path in (ROOT / "models").rglob("*.json") if path.parent.name != "lib")


def profile(path, cores, sslc, avx2):
    """What `sslc run --profile` wrote, or the error as a text."""
    with tempfile.TemporaryDirectory(prefix="sslc-bench-") as out:
        command = [sslc, "run", path, "--profile", "--quiet", "--no-downstream", "--steps", str(STEPS), "--out", out + "/run"]
        command += ["--cpu", AVX2_CPU] if avx2 else []
        result = subprocess.run(
            [*command, "--threads", str(len(cores))],
            capture_output=True,
            text=True,
            env=environment("sslc", len(cores)),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        if result.returncode:
            return (result.stderr.strip().splitlines() or [f"status {result.returncode}"])[0]
        return json.loads(pathlib.Path(out, "run/profile.json").read_text())


def slowest(found):
    """The kernel that takes most above its roof: its shape, its share of the step and of its roof."""
    k = max(found["kernels"], key=lambda k: k["seconds"] - k["roof_seconds"])
    return f"{k['kind']} {k['shape']}: {100 * k['seconds'] / found['seconds']:.0f} %, {100 * k['roof_seconds'] / k['seconds']:.0f} %"


def table(threads, sslc, avx2, say):
    """A row for each model and number of threads."""
    lines = ["| model | threads | a step | efficiency | most above its roof: share of the step, of its roof |"]
    lines.append("|---|--:|--:|--:|---|")
    missing = []
    for path in paths():
        name = str(path.relative_to(ROOT / "models").with_suffix(""))
        for count in threads:
            found = profile(path, sorted(os.sched_getaffinity(0))[:count], sslc, avx2)
            if isinstance(found, str):
                missing.append(f"- {name}: {found}")
                break
            time = report.time_text(found["seconds"])
            lines.append(f"| {name} | {count} | {time} | {100 * found['efficiency']:.0f} % | {slowest(found)} |")
        say(f"{name}: {found if isinstance(found, str) else lines[-1]}")
    return "\n".join(lines + ([""] + missing if missing else []))
