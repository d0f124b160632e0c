"""What a run says: tables in Markdown, and a bar chart as an SVG."""

import math
from html import escape

COLOURS = {
    "sslc": "#1b6e53",
    "torch": "#d8573c",
    "torch.compile": "#f0a48f",
    "jax": "#4c6fb5",
    "tinygrad": "#8a8a8a",
    "tinygrad-beam": "#bdbdbd",
}


def time_text(seconds):
    """Three digits and a unit."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            break
    value = seconds * factor
    return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f} {unit}"


def ratio(row):
    """The time of sslc in times of the fastest peer, or nothing."""
    times = {c.name: c.typical for c in row.contenders if c.times}
    sslc = times.pop("sslc", None)
    return sslc / min(times.values()) if sslc and times else None


def table(rows, names, cell, *last):
    """Rows of models, columns of contenders, and others of a title and a function of the row."""
    head = ["model", "threads", *names] + [title for title, _ in last]
    lines = [head]
    for row in rows:
        by_name = {c.name: c for c in row.contenders}
        cells = [cell(by_name[n]) if n in by_name else "" for n in names]
        lines.append([row.model, str(row.threads), *cells] + [of(row) for _, of in last])
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def text(line):
        parts = [x.ljust(w) if i == 0 else x.rjust(w) for i, (x, w) in enumerate(zip(line, width))]
        return "| " + " | ".join(parts) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(width)) + "|"
    return "\n".join([text(lines[0]), rule, *map(text, lines[1:])])


def mark(contender):
    """What a contender without times is."""
    return contender.mark or "failed"


def step(contender):
    """The time of a step, or why there is none."""
    c = contender
    return ("~" if c.is_noisy and not c.least else "") + time_text(c.typical) if c.times else mark(c)


def against(row):
    value = ratio(row)
    return f"{value:.2f}" if value else ""


def shown(rows):
    """Which of its times a contender shows."""
    return "shortest" if any(c.least for row in rows for c in row.contenders) else "median"


def notes(rows):
    """Why a contender has no times, a line each."""
    lines = [f"- {row.model}, {row.threads} threads, {c.name}: {c.failure}"
             for row in rows for c in row.contenders if c.failure]  # fmt: skip
    return ["\n".join(lines)] if lines else []


def markdown(rows, names):
    """The tables and their notes."""
    parts = [f"One step, {shown(rows)}:", table(rows, names, step, ("sslc / best peer", against))]
    if any(c.times and c.is_noisy and not c.least for row in rows for c in row.contenders):
        parts.append("`~` the middle half of the times spreads over more than 10 % of the median.")
    parts += [
        "From the model to the first loss, with compilation, without imports and reading of data:",
        table(rows, names, lambda c: time_text(c.first) if c.first else mark(c)),
        "Most memory of the process:",
        table(rows, names, lambda c: f"{c.rss / 2**20:.0f} MiB" if c.rss else mark(c)),
    ]
    parts += notes(rows)
    return "\n\n".join(parts)


# -- A space of models ---------------------------------------------------------------------------------------------

WORST = 10  # how many are named


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def percent(row):
    return f"{100 * row.efficiency:.0f} %" if row.efficiency is not None else ""


def means(rows):
    """The geometric mean of all ratios, and by family; efficiencies by their plain mean."""
    lines = ["| models | count | slower | sslc / best peer | efficiency |", "|---|--:|--:|--:|--:|"]
    for family in ["all", *sorted({row.family for row in rows})]:
        of = [row for row in rows if family in ("all", row.family)]
        ratios = [r for r in map(ratio, of) if r]
        shares = [row.efficiency for row in of if row.efficiency is not None]
        mean = f"{geometric_mean(ratios):.2f}" if ratios else ""
        share = f"{100 * sum(shares) / len(shares):.0f} %" if shares else ""
        lines.append(f"| {family} | {len(ratios)} | {sum(r > 1 for r in ratios)} | {mean} | {share} |")
    return "\n".join(lines)


def space(rows, names):
    """Of models that were drawn: each, the means, and the worst."""
    by_ratio = sorted((row for row in rows if ratio(row)), key=ratio, reverse=True)[:WORST]
    by_share = sorted((row for row in rows if row.efficiency is not None), key=lambda row: row.efficiency)[:WORST]

    def lines(rows):
        return "\n".join(f"- {row.model}, {row.threads} threads: {against(row)}, {percent(row)}: {row.about}" for row in rows)

    head = f"One step, {shown(rows)}, its time in those of the fastest peer, and the efficiency of sslc's kernels:"
    parts = [head, table(rows, names, step, ("sslc / best peer", against), ("efficiency", percent))]
    parts += ["Geometric means:", means(rows)]
    parts += ["The slowest beside their peers:", lines(by_ratio), "The least efficient:", lines(by_share)]
    return "\n\n".join(parts + notes(rows))


# -- SVG -----------------------------------------------------------------------------------------------------------

BAR, GAP, LEFT, WIDTH, RIGHT, TOP = 14, 16, 120, 420, 170, 56


def svg(rows, names, title):
    """Bars of speed, where sslc is 1: longer is faster. Each ends with the time of a step."""
    shown = [row for row in rows if any(c.name == "sslc" and c.times for c in row.contenders)]
    most = 1.0
    for row in shown:
        sslc = next(c.typical for c in row.contenders if c.name == "sslc")
        most = max([most] + [sslc / c.typical for c in row.contenders if c.times])
    out, y = [], TOP
    for row in shown:
        sslc = next(c.typical for c in row.contenders if c.name == "sslc")
        label = f"{row.model}, {row.threads} thread{'s' if row.threads > 1 else ''}"
        out.append(f'<text x="{LEFT - 10}" y="{y + 11}" text-anchor="end" font-weight="bold">{escape(label)}</text>')
        for c in row.contenders:
            length = sslc / c.typical / most * WIDTH if c.times else 0
            says = f"{time_text(c.typical)}" if c.times else mark(c)
            out.append(
                f'<rect x="{LEFT}" y="{y}" width="{max(length, 1):.1f}" height="{BAR - 2}" fill="{COLOURS[c.name]}"/>'
                f'<text x="{LEFT + length + 6:.1f}" y="{y + 10}">{escape(c.name)}  {escape(says)}</text>'
            )
            y += BAR
        y += GAP
    width = LEFT + WIDTH + RIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        '<text x="10" y="20" font-size="14" font-weight="bold">Training steps per second, relative to sslc</text>\n'
        f'<text x="10" y="38" fill="#555">{escape(title)}</text>\n'
    )
    return head + "\n".join(out) + "\n</svg>\n"
