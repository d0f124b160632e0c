"""What a run says: tables in Markdown, and a bar chart as an SVG."""

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
    times = {c.name: c.median for c in row.contenders if c.times}
    sslc = times.pop("sslc", None)
    return sslc / min(times.values()) if sslc and times else None


def table(rows, names, cell, last=None):
    """Rows of models, columns of contenders."""
    head = ["model", "threads", *names] + ([last[0]] if last else [])
    lines = [head]
    for row in rows:
        by_name = {c.name: c for c in row.contenders}
        cells = [cell(by_name[n]) if n in by_name else "" for n in names]
        lines.append([row.model, str(row.threads), *cells] + ([last[1](row)] if last else []))
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def text(line):
        parts = [x.ljust(w) if i == 0 else x.rjust(w) for i, (x, w) in enumerate(zip(line, width))]
        return "| " + " | ".join(parts) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(width)) + "|"
    return "\n".join([text(lines[0]), rule, *map(text, lines[1:])])


def mark(contender):
    """What a contender without times is."""
    return contender.mark or "failed"


def markdown(rows, names):
    """The tables and their notes."""

    def step(c):
        return ("~" if c.is_noisy else "") + time_text(c.median) if c.times else mark(c)

    def against(row):
        value = ratio(row)
        return f"{value:.2f}" if value else ""

    parts = ["One step, median:", table(rows, names, step, ("sslc / best peer", against))]
    if any(c.times and c.is_noisy for row in rows for c in row.contenders):
        parts.append("`~` the middle half of the times spreads over more than 10 % of the median.")
    parts += [
        "From the model to the first loss, with compilation, without imports and reading of data:",
        table(rows, names, lambda c: time_text(c.first) if c.first else mark(c)),
        "Most memory of the process:",
        table(rows, names, lambda c: f"{c.rss / 2**20:.0f} MiB" if c.rss else mark(c)),
    ]
    notes = [f"- {row.model}, {row.threads} threads, {c.name}: {c.failure}"
             for row in rows for c in row.contenders if c.failure]  # fmt: skip
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts)


# -- SVG -----------------------------------------------------------------------------------------------------------

BAR, GAP, LEFT, WIDTH, RIGHT, TOP = 14, 16, 120, 420, 170, 56


def svg(rows, names, title):
    """Bars of speed, where sslc is 1: longer is faster. Each ends with the time of a step."""
    shown = [row for row in rows if any(c.name == "sslc" and c.times for c in row.contenders)]
    most = 1.0
    for row in shown:
        sslc = next(c.median for c in row.contenders if c.name == "sslc")
        most = max([most] + [sslc / c.median for c in row.contenders if c.times])
    out, y = [], TOP
    for row in shown:
        sslc = next(c.median for c in row.contenders if c.name == "sslc")
        label = f"{row.model}, {row.threads} thread{'s' if row.threads > 1 else ''}"
        out.append(f'<text x="{LEFT - 10}" y="{y + 11}" text-anchor="end" font-weight="bold">{escape(label)}</text>')
        for c in row.contenders:
            length = sslc / c.median / most * WIDTH if c.times else 0
            says = f"{time_text(c.median)}" if c.times else mark(c)
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
