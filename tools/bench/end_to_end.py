"""Times whole runs, from the command to the probe's score: SimCLR on Fashion-MNIST by sslc and by lightly, with the same
network, transforms, batch and epochs. See README.md; run by end-to-end.

Each run is a process of its own on the same cores. The two take turns, seed by seed."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from contender import environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/vision/simclr-fashion.json"
SAMPLES = 60000


def model(folder):
    """The shipped model with lightly's optimizer, the probe as its only task, and no baselines."""
    text = json.loads(MODEL.read_text())
    text["optimizer"] = "adamw(cosine(0.002, 0.1), weight_decay=0.0001)"
    text["downstream"] = {"probe": {**text["downstream"]["probe"], "baselines": []}}
    path = folder / "model.json"
    path.write_text(json.dumps(text, indent=2) + "\n")
    return path


def timed(command, cores, name):
    """What a command prints, its seconds by the wall and those of the processor."""
    start = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(name, len(cores)),
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode:
        sys.exit(f"{name} ended with status {process.returncode}")
    return text, wall, usage.ru_utime + usage.ru_stime


def run_sslc(path, seed, cores, options):
    out = path.parent / "run"
    command = [options.sslc, "run", path, "--out", out, "--epochs", options.epochs, "--seed", seed]
    _, wall, cpu = timed([*command, "--threads", len(cores)], cores, "sslc")
    scores = json.loads((out / "results.json").read_text())["downstream"]
    return wall, cpu, next(s["score"] for s in scores if s["networks"] == "pre-trained")


def run_lightly(path, seed, cores, options):
    workers = options.workers if options.workers is not None else len(cores) if len(cores) > 1 else 0
    script = pathlib.Path(__file__).parent / "peers/lightly_simclr.py"
    command = [sys.executable, script, path, "--epochs", options.epochs, "--seed", seed, "--threads", len(cores)]
    text, wall, cpu = timed([*command, "--workers", workers], cores, "lightly")
    return wall, cpu, json.loads(text.splitlines()[-1])["accuracy"]


def spread(values, form):
    """The median, and from where to where."""
    middle = form.format(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(min(values))} to {form.format(max(values))})"


def main():
    p = argparse.ArgumentParser(prog="end-to-end", description="Times whole runs of SimCLR by sslc and by lightly.")
    p.add_argument("--epochs", type=int, default=10, help="of pre-training, default 10")
    p.add_argument("--seeds", type=int, default=1, help="how many runs of each, with seeds from 0, default 1")
    p.add_argument("--threads", type=int, default=1, help="default 1")
    p.add_argument("--workers", type=int, help="of lightly's DataLoader; default: none on one thread, else as many")
    p.add_argument("--sslc", type=pathlib.Path, default=ROOT / "build/release/sslc", help="the built sslc")
    options = p.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    if not 1 <= options.threads == len(cores):
        p.error("--threads: not as many cores")
    runs = {"sslc": run_sslc, "lightly": run_lightly}
    results = {name: [] for name in runs}
    for seed in range(options.seeds):
        for name, run in runs.items():
            with tempfile.TemporaryDirectory(prefix="sslc-bench-") as temporary:
                result = run(model(pathlib.Path(temporary)), seed, cores, options)
            results[name].append(result)
            wall, cpu, score = result
            print(f"seed {seed} {name}: {wall:.1f} s, {cpu:.1f} s of CPU, {100 * score:.2f} %", file=sys.stderr, flush=True)
    print(f"SimCLR on Fashion-MNIST, {options.epochs} epochs, {options.seeds} seeds, {options.threads} threads\n")
    print("| from the command to the score | seconds | of CPU | samples a second | probe's accuracy, % |")
    print("|---|--:|--:|--:|--:|")
    for name, of in results.items():
        walls, cpus, scores = zip(*of)
        rates = [options.epochs * SAMPLES / wall for wall in walls]
        cells = [spread(walls, "{:.1f}"), spread(cpus, "{:.1f}"), spread(rates, "{:.0f}")]
        print(f"| {name} | {' | '.join(cells)} | {spread([100 * s for s in scores], '{:.2f}')} |")
    for i, what in enumerate(("", " of CPU time")):
        times = [statistics.median(r[i] for r in results[name]) for name in ("lightly", "sslc")]
        print(f"\nlightly takes {times[0] / times[1]:.2f} times as long as sslc{what}.")


if __name__ == "__main__":
    main()
