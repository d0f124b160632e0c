"""Times a step of every model under models/ in sslc, and the efficiency of its kernels. See README.md; run by
bench.sh --shipped. A model whose data are not on this machine is named with the error."""

import json
import os
import pathlib
import subprocess
import tempfile

import report
from contender import AVX2_CPU, environment
from shipped_data import prepare

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = 12
SHARE, HALF = 0.03, 0.5  # of a step, of its roof: kernels that take more and reach less are listed


def names(chosen=()):
    """Of their model files, the library apart: all, or those that are chosen, by name or by folder. KeyError: there is none."""
    files = (path for path in (ROOT / "models").rglob("*.json") if path.parent.name != "lib")
    known = sorted(str(path.relative_to(ROOT / "models").with_suffix("")) for path in files)
    for name in chosen:
        if not any(k == name or k.startswith(name.rstrip("/") + "/") for k in known):
            raise KeyError(name)
    return [k for k in known if not chosen or any(k == c or k.startswith(c.rstrip("/") + "/") for c in chosen)]


def profile(name, cores, data, sslc, avx2):
    """What `sslc run --profile` wrote, or the error as a text."""
    with tempfile.TemporaryDirectory(prefix="sslc-bench-") as out:
        command = [sslc, "run", ROOT / f"models/{name}.json", "--profile", "--quiet", "--no-downstream", "--out", out + "/run"]
        command += ["--steps", str(STEPS), "--threads", str(len(cores))]
        command += ["--cpu", AVX2_CPU] if avx2 else []
        command += ["--data", data] if data else []
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment("sslc", len(cores)),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        if result.returncode:
            return (result.stderr.strip().splitlines() or [f"status {result.returncode}"])[0]
        return json.loads(pathlib.Path(out, "run/profile.json").read_text())


def taken(found, least):
    """The time of each kernel, the mean of the steps or its shortest, with the one at its roof, and the kernel."""
    return [(k["least_seconds" if least else "seconds"], k["roof_seconds"], k) for k in found["kernels"]]


def words(seconds, roof, kernel, whole):
    """Of a kernel: its shape, its share of the step and of its roof."""
    return f"{kernel['kind']} {kernel['shape']}: {100 * seconds / whole:.0f} %, {100 * roof / seconds:.0f} %"


def table(options, sslc, say):
    """A row for each model and number of threads; then the kernels far below their roofs, and the models without data."""
    lines = ["| model | threads | a step | efficiency | most above its roof: share of the step, of its roof |"]
    lines.append("|---|--:|--:|--:|---|")
    slow, missing = [], []
    for name in names(options.cases):
        data, found = prepare(name.split("/")[0], options.data, sslc)
        for count in [] if found else options.threads:
            found = profile(name, sorted(os.sched_getaffinity(0))[:count], data, sslc, options.avx2)
            if isinstance(found, str):
                break
            kernels = taken(found, options.least)
            whole = sum(seconds for seconds, _, _ in kernels)
            share = sum(min(seconds, roof) for seconds, roof, _ in kernels) / whole
            worst = words(*max(kernels, key=lambda k: k[0] - k[1]), whole)
            lines.append(f"| {name} | {count} | {report.time_text(whole)} | {100 * share:.0f} % | {worst} |")
            slow += [f"- {name}, {words(*k, whole)}" for k in kernels if k[0] > SHARE * whole and k[1] < HALF * k[0]]
        if isinstance(found, str):
            missing.append(f"- {name}: {found}")
        say(f"{name}: {found if isinstance(found, str) else lines[-1]}")
    parts = [lines]
    if slow:
        parts.append([f"More than {100 * SHARE:.0f} % of a step, below {100 * HALF:.0f} % of the roof:", *slow])
    if missing:
        parts.append(["Not timed:", *missing])
    return "\n\n".join("\n".join(part) for part in parts)
