"""Times a training step of the same models in sslc, PyTorch, JAX and tinygrad. See README.md; run by bench.sh.

First all contenders take the same steps from the same weights, and those whose losses are not sslc's are not timed.
Then they take turns in short rounds, in an order that rotates, so that a slow moment of the machine falls on all. With
--space the models are drawn by a seed (space.py), and the efficiency of sslc's kernels stands beside each."""

import argparse
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import report
import shipped
import space
import transforms
from contender import AVX2_CPU, Contender, Failed, environment
from problems import PROBLEMS, prepare

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ["torch", "torch.compile", "jax", "tinygrad", "tinygrad-beam"]
STEPS = 10  # whose losses must agree
ROUND = 0.5  # seconds
GROUP = 0.02  # seconds between two readings of the clock, at least
PAUSE = 0.05  # seconds in which the threads of the last contender go to sleep


@dataclass
class Row:
    """A model on a number of threads."""

    model: str
    threads: int
    contenders: list = field(default_factory=list)
    about: str = ""
    family: str = ""
    efficiency: float | None = None  # of a step of sslc, by its profile


def say(text):
    print(text, file=sys.stderr, flush=True)


def agree(losses, truth, tolerance):
    """None, or the first step whose loss is not near enough."""
    for i, (a, b) in enumerate(zip(losses, truth, strict=True)):
        if not math.isfinite(a) or abs(a - b) > tolerance * abs(b):
            return f"loss of step {i + 1} is {a:.9g}, sslc's {b:.9g}"
    return None


def begin(row, name, cores, folder, problem, options, truth):
    """Starts a contender and compares its first losses; returns sslc's or its own."""
    c = Contender(name, row.model, cores, folder, options.worker, avx2=options.avx2)
    c.least = options.least
    row.contenders.append(c)
    try:
        c.mark = "not compiled" if name == "sslc" else "failed"
        if name != "sslc":
            c.patience = options.patience
        c.answer()  # ready
        c.mark = "failed"
        if name == "sslc":
            c.ask(f"save {folder}")
        losses = c.numbers(f"losses {STEPS}")
        c.first = c.numbers("first")[0]
    except Failed as failed:
        if c.failure.startswith("no answer"):
            c.mark = f"> {options.patience:g} s"
        say(f"{row.model} {name}: {failed}")
        return None
    error = agree(losses, truth or losses, problem.tolerance)
    if error:
        c.failure, c.mark = error, "DISAGREES"
    say(f"{row.model} {name}: first loss after {c.first:.2f} s, {error or 'losses agree'}")
    return losses


def time_all(contenders, seconds, cpu):
    """Rounds of all contenders in turn; the order rotates."""
    plans = {}
    for c in contenders:
        if cpu:
            c.ask("clock cpu")
        plans[c] = c.calibrate(GROUP)
    for r in range(max(1, round(seconds / ROUND))):
        turn = r % len(contenders)
        for c in contenders[turn:] + contenders[:turn]:
            size, group = plans[c]
            time.sleep(PAUSE)
            c.times += c.numbers(f"steps {max(1, round(ROUND / group))} {size}")
    for c in contenders:
        c.rss = c.numbers("rss")[0]


def efficiency(folder, cores, sslc, seconds, avx2):
    """Which share of the time of a step of sslc its kernels need at the machine's roof: `sslc run --profile` says it. Where
    `seconds` is given, the time of a step is that, since a profile takes the wall's, which others lengthen."""
    command = [sslc, "run", folder / "model.json", "--profile", "--quiet", "--no-downstream", "--out", folder / "run"]
    command += ["--cpu", AVX2_CPU] if avx2 else []
    result = subprocess.run(
        [*command, "--epochs", "2", "--steps", "12", "--threads", str(len(cores))],
        capture_output=True,
        text=True,
        env=environment("sslc", len(cores)),
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    if result.returncode:
        raise Failed(f"sslc run --profile: {result.stderr.strip().splitlines()[0]}")
    profile = json.loads((folder / "run/profile.json").read_text())
    if seconds is None:
        return profile["efficiency"]
    return min(1.0, sum(min(k["seconds"], k["roof_seconds"]) for k in profile["kernels"]) / seconds)


def run(model, threads, options):
    """A row of the tables: of a name, or of a case."""
    row = Row(model, threads)
    if isinstance(model, space.Case):
        row = Row(model.name, threads, about=space.words(model), family=model.family)
    cores = sorted(os.sched_getaffinity(0))[:threads]
    with tempfile.TemporaryDirectory(prefix="sslc-bench-") as temporary:
        folder = pathlib.Path(temporary)
        problem = prepare(model, folder)
        try:
            truth = begin(row, "sslc", cores, folder, problem, options, None)
            peers = [p for p in options.peers if not isinstance(model, space.Case) or not p.startswith("tinygrad")]
            for name in peers if truth else []:
                begin(row, name, cores, folder, problem, options, truth)
            able = [c for c in row.contenders if not c.failure]
            if able:
                time_all(able, options.seconds, options.cpu)
            if truth and (options.space or options.usual):
                seconds = row.contenders[0].typical if options.cpu else None
                row.efficiency = efficiency(folder, cores, options.worker.with_name("sslc"), seconds, options.avx2)
        except Failed as failed:
            say(f"{row.model}: {failed}")
        finally:
            for c in row.contenders:
                c.close()
    if report.ratio(row):
        say(f"{row.model}: {report.against(row)} of the best peer, efficiency {report.percent(row) or 'not asked'}")
    return row


def versions(peers, avx2):
    """The machine and what ran on it, in a line."""
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    used = {re.split("[.-]", name)[0] for name in peers}
    packages = [p for p in ("torch", "torchvision", "jax", "tinygrad") if p in used]
    parts = [f"{model[0] if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores{', AVX2 alone' * avx2}"]
    parts.append(f"sslc {commit.stdout.strip() or '?'}")
    parts += [f"{p} {importlib.metadata.version(p)}" for p in packages]
    return ", ".join(parts)


def parse():
    """The command line."""
    p = argparse.ArgumentParser(prog="bench.sh", description="Times a training step in sslc and its peers.")
    known = [*PROBLEMS, *space.NAMED]
    comma = lambda text: [word for word in text.split(",") if word]  # noqa: E731
    p.add_argument("--models", type=comma, default=[*PROBLEMS, "gru", "wav2vec"], help=f"of {','.join(known)}")
    p.add_argument("--peers", type=comma, default=PEERS[:4], help=f"of {','.join(PEERS)}; default: all but the last")
    p.add_argument("--threads", type=comma, default=["1"], help="counts of threads, default 1")
    p.add_argument("--seconds", type=float, default=5, help="of timing for each contender, default 5")
    p.add_argument("--space", type=int, metavar="N", help="time N models that are drawn (space.py), not --models")
    p.add_argument("--seed", type=int, default=1, help="of --space, default 1")
    p.add_argument("--usual", action="store_true", help="time the cases that people write (USUAL in space.py), not --models")
    p.add_argument("--shipped", action="store_true", help="time every model under models/ in sslc alone, not --models")
    p.add_argument("--transforms", action="store_true", help="time transforms of images beside torchvision's, not --models")
    p.add_argument("--cases", type=comma, default=[], help="what is timed of --space or --usual, by number, or of --shipped, by name or folder; default all")
    p.add_argument("--least", action="store_true", help="shortest times instead of medians: on a machine that is not quiet")
    p.add_argument("--cpu", action="store_true", help="CPU time of steps, not the wall's: likewise; with one thread only")
    p.add_argument("--avx2", action="store_true", help="all without AVX-512, on a machine that has it: x86-64-v3")
    p.add_argument("--data", type=pathlib.Path, default=ROOT / "build/shipped-data", help="folder of the data that --shipped makes")
    p.add_argument("--patience", type=float, default=3600, help="seconds for a peer to compile, default 3600; --space: 60")
    p.add_argument("--svg", help="also write a bar chart to this file")
    p.add_argument("--worker", type=pathlib.Path, default=ROOT / "build/release/sslc_bench_worker", help="the built sslc_bench_worker")
    o = p.parse_args()
    if o.space or o.usual:
        p.set_defaults(patience=60, seconds=1, peers=["torch"])
        o = p.parse_args()
    o.threads = [int(count) for count in o.threads]
    for given, names in ((o.models, known), (o.peers, PEERS)):
        for name in given:
            if name not in names:
                p.error(f"unknown '{name}', known: {', '.join(names)}")
    if o.cpu and o.threads != [1]:
        p.error("--cpu: with --threads 1 only")
    if o.shipped and o.cpu:
        p.error("--cpu: not with --shipped, whose profiles take the wall's time; --least shows the shortest")
    try:
        shipped.names(o.cases if o.shipped else [])
    except KeyError as error:
        p.error(f"--cases: there is no model or folder {error} under models/")
    cores = len(os.sched_getaffinity(0))
    if min(o.threads) < 1 or max(o.threads) > cores:
        p.error(f"--threads: from 1 to {cores}, the cores that this process may use")
    return o


def main():
    options = parse()
    models = [space.NAMED.get(name, name) for name in options.models]
    if options.space or options.usual:
        models = space.USUAL if options.usual else space.cases(options.space, options.seed)
        models = [models[int(i)] for i in options.cases] if options.cases else models
    if options.shipped:
        print(f"{versions([], options.avx2)}\n\n{shipped.table(options, options.worker.with_name('sslc'), say)}")
        return False
    if options.transforms:
        kinds = [(kind, side, threads) for kind in transforms.TRANSFORMS for side in transforms.SIDES
                 for threads in options.threads]  # fmt: skip
        rows = [transforms.run(k, side, Row(f"{k}-{side}", n), options, time_all) for k, side, n in kinds]
        print(f"{versions(['torch', 'torchvision'], options.avx2)}\n\n{transforms.table(rows)}")
        return any(row.about for row in rows)
    rows = [run(model, threads, options) for model in models for threads in options.threads]
    names = ["sslc", *options.peers]
    title = versions(options.peers, options.avx2)
    print(f"{title}\n\n{report.space(rows, names) if options.space or options.usual else report.markdown(rows, names)}")
    if options.svg:
        pathlib.Path(options.svg).write_text(report.svg(rows, names, title))
    return any(c.failure for row in rows for c in row.contenders)


if __name__ == "__main__":
    sys.exit(main())
