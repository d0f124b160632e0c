/* report.js: draws the page from the JSON in #data. No part needs another: what is not there says so. */
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const page = document.getElementById("page"), hover = document.getElementById("hover");
const RUN_COLOURS = ["#2f7fd6", "#e07b1a", "#2a9d5c", "#c8508c", "#8a63d2", "#b39a1a", "#14a0b4", "#d64545"];
/* Ten that are told apart on white and on black; more are spread around the wheel. */
const CLASS_COLOURS = ["#3b82d6", "#e8862e", "#35a55b", "#d94a4a", "#9a6fd8", "#9c6a4e", "#e377c2", "#8b949c", "#b5b428", "#22b5c8"];

/* -- Elements ------------------------------------------------------------------------------------ */

const template = document.createElement("template");
template.innerHTML = "<svg></svg>";
const SVG = template.content.firstChild.namespaceURI;

function element(name, attributes = {}, ...children) {
	const svg = /^(svg|g|path|line|circle|rect|text|polyline)$/.test(name);
	const e = svg ? document.createElementNS(SVG, name) : document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
	e.append(...children.filter(c => c !== null && c !== undefined));
	return e;
}
function section(title, ...children) {
	page.append(element("h2", {}, title), ...children.filter(c => c));
}
const note = text => element("p", { class: "note" }, text);
const named = (run, text) => (runs.length > 1 ? run.title + ": " : "") + text;
const dot = colour => element("i", { class: "dot", style: "background:" + colour });
const runColour = i => RUN_COLOURS[i % RUN_COLOURS.length];
const classColour = (i, count) => count <= 10 ? CLASS_COLOURS[i] : `hsl(${Math.round(360 * i / count)} 65% ${i % 2 ? 58 : 45}%)`;

/* Few digits, as people write them. */
function short(x) {
	if (x === null || x === undefined || !Number.isFinite(x)) return "–";
	const size = Math.abs(x);
	if (x !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(2).replace("e+", "e");
	return String(+x.toPrecision(4));
}
const percent = x => (100 * x).toFixed(2) + " %";

function showHover(event, ...children) {
	hover.replaceChildren(...children);
	hover.hidden = false;
	const box = hover.getBoundingClientRect(), x = event.clientX, y = event.clientY;
	hover.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + "px";
	hover.style.top = (y + 16 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 16) + "px";
}
const hideHover = () => { hover.hidden = true; };

/* -- Axes ---------------------------------------------------------------------------------------- */

function ticks(low, high, most) {
	if (!(high > low)) return [low];
	const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough);
	const all = [];
	for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) all.push(k * step);
	return all;
}
function logTicks(low, high) {
	const all = [];
	const few = Math.log10(high / low) > 2.5;
	for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
		for (const k of few ? [1] : [1, 2, 5])
			if (k * 10 ** p >= low * 0.999 && k * 10 ** p <= high * 1.001) all.push(k * 10 ** p);
	return all.length > 1 ? all : [low, high];
}
/* In pixels of the page, or nearly, so that letters have the size of letters. */
const NARROW = innerWidth < 600;
const WIDTH = NARROW ? 340 : 560, HEIGHT = NARROW ? 230 : 300, LEFT = NARROW ? 50 : 64, RIGHT = 14, TOP = 12, BOTTOM = 46;

/* An SVG with axes; gives the functions from numbers to places. */
function axes(x, y, xLabel, yLabel, logarithmic) {
	const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": yLabel + " by " + xLabel });
	const to = logarithmic ? Math.log : v => v;
	const px = v => LEFT + (v - x[0]) / (x[1] - x[0] || 1) * (WIDTH - LEFT - RIGHT);
	const py = v => HEIGHT - BOTTOM - (to(v) - to(y[0])) / (to(y[1]) - to(y[0]) || 1) * (HEIGHT - TOP - BOTTOM);
	for (const v of logarithmic ? logTicks(y[0], y[1]) : ticks(y[0], y[1], 5))
		svg.append(element("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: py(v), y2: py(v) }),
			element("text", { x: LEFT - 6, y: py(v) + 4, "text-anchor": "end" }, short(v)));
	for (const v of ticks(x[0], x[1], 5))
		svg.append(element("line", { class: "axis", x1: px(v), x2: px(v), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
			element("text", { x: px(v), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, short(v)));
	svg.append(element("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` }),
		element("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, xLabel));
	return { svg, px, py };
}

/* -- Curves -------------------------------------------------------------------------------------- */

const LABELS = { loss: "loss, mean of an epoch", recent_loss: "loss, mean since the line before" };

function curve(name) {
	const lines = runs.map((run, i) => ({ run, i, c: run.curves && run.curves[name] })).filter(l => l.c);
	const values = lines.flatMap(l => l.c.value).filter(v => v !== null);
	const caption = element("figcaption", {}, element("strong", {}, name), LABELS[name] ? " (" + LABELS[name] + ")" : "", " ");
	const figure = element("figure", { "data-curve": name }, caption);
	if (!values.length) {
		figure.append(note("No value of it is a finite number."));
		return figure;
	}
	let low = Math.min(...values), high = Math.max(...values);
	const positive = low > 0 && high > low;
	let logarithmic = positive && high / low > 30;
	const steps = lines.flatMap(l => l.c.step), first = Math.min(...steps), last = Math.max(...steps);
	const draw = () => {
		const room = high > low ? 0.04 * (high - low) : Math.abs(high) || 1;
		const y = logarithmic ? [low, high] : [low - room, high + room];
		const x = first === last ? [0, last || 1] : [first, last];
		const { svg, px, py } = axes(x, y, "step", name, logarithmic);
		for (const l of lines) {
			let pen = "", points = [];
			l.c.value.forEach((v, k) => {
				pen = v === null ? "" : pen + (pen ? "L" : "M") + px(l.c.step[k]).toFixed(1) + " " + py(v).toFixed(1);
				if (v === null || k === l.c.value.length - 1) { if (pen) points.push(pen); pen = ""; }
			});
			svg.append(element("path", { d: points.join(""), fill: "none", stroke: runColour(l.i), "stroke-width": 2, "stroke-linejoin": "round" }));
			if (l.c.value.length <= 40)
				l.c.value.forEach((v, k) => v !== null && svg.append(element("circle", { cx: px(l.c.step[k]), cy: py(v), r: 3, fill: runColour(l.i) })));
		}
		const cross = element("line", { class: "axis", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
		svg.append(cross);
		svg.addEventListener("pointermove", event => {
			const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * WIDTH;
			const all = steps.map(s => [Math.abs(px(s) - at), s]).sort((a, b) => a[0] - b[0]);
			const step = all[0][1];
			cross.setAttribute("x1", px(step)); cross.setAttribute("x2", px(step)); cross.setAttribute("visibility", "visible");
			showHover(event, element("div", {}, "step " + step), ...lines.map(l => {
				const k = l.c.step.indexOf(step);
				return k < 0 ? "" : element("div", {}, dot(runColour(l.i)), " ", l.c.value[k] === null ? "not finite" : String(l.c.value[k]));
			}));
		});
		svg.addEventListener("pointerleave", () => { hideHover(); cross.setAttribute("visibility", "hidden"); });
		figure.querySelector("svg")?.remove();
		figure.append(svg);
	};
	if (positive) {
		const toggle = element("button", { "aria-pressed": logarithmic, type: "button" }, "log");
		toggle.onclick = () => { logarithmic = !logarithmic; toggle.setAttribute("aria-pressed", logarithmic); draw(); };
		caption.append(toggle);
	}
	const every = Math.max(...lines.map(l => l.c.every));
	draw();
	if (every > 1) figure.append(element("figcaption", {}, `One of ${every} points is drawn.`));
	return figure;
}

function curves() {
	const names = [...new Set(runs.flatMap(r => Object.keys(r.curves || {})))];
	names.sort((a, b) => (b === "loss") - (a === "loss"));
	section("Curves", runKeys(), names.length ? element("div", { class: "columns" }, ...names.map(curve)) : null,
		...runs.filter(r => r.no_curves).map(r => note(named(r, r.no_curves))),
		...runs.filter(r => r.curves && !Object.keys(r.curves).length).map(r => note(named(r, "metrics.jsonl has no line yet."))));
}
function runKeys() {
	if (runs.length < 2) return null;
	return element("div", { class: "keys" }, ...runs.map((r, i) => element("span", {}, dot(runColour(i)), r.title)));
}

/* -- Results ------------------------------------------------------------------------------------- */

const score = (row, x) => x === null || x === undefined ? row.not_finite ? "not finite" : "diverged" : row.metric === "accuracy" ? percent(x) : short(x);
function gain(row) {
	if (row.gain_low === undefined) return "";
	if (row.gain_low === null || row.gain_high === null) return "not known";
	return row.metric === "accuracy" ? `${(100 * row.gain_low).toFixed(2)} to ${(100 * row.gain_high).toFixed(2)} %` : `${short(row.gain_low)} to ${short(row.gain_high)}`;
}

/* Where the gain of pre-training over each other network lies, against no gain at all. */
function gains(rows, task) {
	const shown = rows.filter(r => r.row.gain_low !== undefined && r.row.gain_low !== null && r.row.gain_high !== null);
	if (!shown.length) return null;
	const scale = shown[0].row.metric === "accuracy" ? 100 : 1;
	let low = Math.min(0, ...shown.map(r => scale * r.row.gain_low)), high = Math.max(0, ...shown.map(r => scale * r.row.gain_high));
	const room = 0.06 * (high - low || 1), top = 8, line = 26, left = 118, height = top + line * shown.length + 44;
	low -= room; high += room;
	const px = v => left + (v - low) / (high - low) * (WIDTH - left - RIGHT), bottom = top + line * shown.length;
	const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": "gain of pre-training in " + task });
	for (const v of ticks(low, high, 5))
		svg.append(element("line", { class: v === 0 ? "axis" : "grid", x1: px(v), x2: px(v), y1: top, y2: bottom }),
			element("text", { x: px(v), y: bottom + 16, "text-anchor": "middle" }, short(v)));
	shown.forEach((r, k) => {
		const y = top + line * (k + 0.5), a = px(scale * r.row.gain_low), b = px(scale * r.row.gain_high), colour = runColour(r.i);
		svg.append(element("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, r.row.networks),
			element("line", { x1: a, x2: b, y1: y, y2: y, stroke: colour, "stroke-width": 3 }),
			element("circle", { cx: (a + b) / 2, cy: y, r: 4.5, fill: colour }));
	});
	svg.append(element("text", { x: NARROW ? WIDTH / 2 : (left + WIDTH - RIGHT) / 2, y: height - 6, "text-anchor": "middle" },
		`gain of pre-training in ${shown[0].row.metric}${scale === 100 ? ", percentage points" : ""}`));
	return element("figure", { class: "gains" }, element("figcaption", {}, "Pre-trained against each other, interval of 95 %; right of 0: pre-training is better"), svg);
}

function results() {
	const rows = runs.flatMap((run, i) => ((run.results && run.results.downstream) || []).map(row => ({ run, i, row })));
	const parts = [];
	for (const task of [...new Set(rows.map(r => r.row.task))]) {
		const own = rows.filter(r => r.row.task === task), several = new Set(own.map(r => r.i)).size > 1;
		const head = ["networks", several ? "run" : null, own[0].row.metric, "gain of pre-training", "train loss", "trained on", "seconds"].filter(h => h);
		const table = element("table", { "data-task": task }, element("tr", {}, ...head.map(h => element("th", {}, h))));
		for (const r of own)
			table.append(element("tr", {}, element("td", {}, r.row.networks),
				several ? element("td", { class: "left" }, dot(runColour(r.i)), " " + r.run.title) : null,
				element("td", {}, score(r.row, r.row.score) + (r.row.scores ? ` (mean of ${r.row.scores.length} seeds)` : "")),
				element("td", {}, gain(r.row)), element("td", {}, short(r.row.train_loss)),
				element("td", {}, short(r.row.trained_on)), element("td", {}, short(r.row.seconds))));
		parts.push(element("h3", {}, `${task}: ${own[0].row.metric} over ${own[0].row.samples} ${own[0].run.results.scored_on} samples`),
			element("div", { class: "wide" }, table), gains(own, task));
	}
	const verdicts = runs.flatMap(r => ((r.results && r.results.verdicts) || []).map(v => element("p", {}, named(r, v))));
	section("Results", ...verdicts, ...parts, ...runs.filter(r => r.no_results).map(r => note(named(r, r.no_results))),
		...runs.filter(r => r.results && !(r.results.downstream || []).length).map(r => note(named(r, "No downstream task was scored."))),
		...runs.filter(r => r.seeds_note).map(r => note(named(r, r.seeds_note))));
}

/* -- Views --------------------------------------------------------------------------------------- */

/* A sample that is no picture: its numbers from left to right. */
function drawLine(values, low, high) {
	const w = 90, h = 44, finite = values.map(v => v === null ? low : v);
	const px = k => 3 + k / Math.max(1, values.length - 1) * (w - 6), py = v => h - 4 - (v - low) / (high - low || 1) * (h - 8);
	const svg = element("svg", { viewBox: `0 0 ${w} ${h}`, style: "flex:0 1 90px;min-width:0;border:1px solid var(--line);border-radius:3px" });
	svg.append(element("polyline", { points: finite.map((v, k) => px(k).toFixed(1) + "," + py(v).toFixed(1)).join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": 1.5 }));
	return svg;
}
function viewRow(v) {
	const range = v.low === 0 && v.high === 1 ? "" : `, from ${short(v.low)} to ${short(v.high)}`;
	const label = element("div", {}, element("strong", {}, v.name === "x" ? "x (the data)" : v.name), element("div", { class: "soft" }, v.shape + range));
	if (v.png) {
		const zoom = Math.max(1, Math.min(3, Math.floor(640 / v.width)));
		return [label, element("div", {}, element("img", { src: v.png, width: v.width * zoom, height: v.height * zoom, style: "height:auto", alt: v.name }))];
	}
	const lines = element("div", { style: "display:flex;flex-wrap:wrap;gap:.3rem" }, ...v.lines.map(l => drawLine(l, v.low, v.high)));
	if (v.lines[0] && v.lines[0].length < v.of) lines.append(element("div", { class: "soft" }, `the first ${v.lines[0].length} of ${v.of} numbers`));
	return [label, lines];
}
function views() {
	const parts = [];
	for (const run of runs) {
		if (!run.views) { parts.push(note(named(run, run.stopped || "The model was not run."))); continue; }
		if (runs.length > 1) parts.push(element("h3", {}, dot(runColour(runs.indexOf(run))), " " + run.title));
		if (run.views.some(v => !v.png)) parts.push(element("p", { class: "soft" }, "What is no picture is drawn as a line: the numbers of a sample from left to right."));
		parts.push(element("div", { class: "views" }, ...run.views.flatMap(viewRow)));
		if (run.views_note) parts.push(note(run.views_note));
	}
	section("Views and reconstructions", element("p", { class: "soft" }, "Samples as the data holds them, and what the trained model makes of them as in training, with its random choices."), ...parts);
}

/* -- Maps ---------------------------------------------------------------------------------------- */

const maps = runs.map((run, i) => ({ run, i, map: run.map })).filter(m => m.map && m.map.pca);
const classes = [...new Set(maps.flatMap(m => m.map.labels || []))].sort((a, b) => a - b);
const labelText = c => c < 0 ? "none" : String(c);
const hidden = new Set();
let embedding = "tsne", chosen = null;

function pictureOf(map, k) {
	const a = map.atlas >= 0 ? data.atlases[map.atlas] : null;
	if (!a) return null;
	const zoom = Math.max(1, Math.floor(96 / a.width)), w = a.width * zoom, h = a.height * zoom, rows = Math.ceil(map.rows.length / a.columns);
	return element("div", { class: "atlas", style: `width:${w}px;height:${h}px;background:url(${a.png}) -${k % a.columns * w}px -${Math.floor(k / a.columns) * h}px / ${a.columns * w}px ${rows * h}px` });
}
function drawMap(m) {
	const { map } = m, plane = map[embedding], size = NARROW ? 340 : 420, rim = 12;
	const kind = embedding === "pca" ? `PCA: ${percent(map.share[0])} and ${percent(map.share[1])} of the variance` :
		plane ? `t-SNE: perplexity ${short(plane.perplexity)}, divergence ${short(plane.divergence)}` : "t-SNE";
	const figure = element("figure", {}, element("figcaption", {}, runs.length > 1 ? element("strong", {}, dot(runColour(m.i)), " " + m.run.title + " ") : null,
		`${kind}; ${map.rows.length} ${map.split} samples, ${map.width} features`));
	if (!plane) { figure.append(note(map.no_tsne || "There is no such map.")); return figure; }
	const span = list => [Math.min(...list), Math.max(...list)], x = span(plane.x), y = span(plane.y), wide = Math.max(x[1] - x[0], y[1] - y[0]) || 1;
	const middle = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2], to = (v, axis) => size / 2 + (axis ? -1 : 1) * (v - middle[axis]) / wide * (size - 2 * rim);
	const svg = element("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": kind });
	const colour = k => map.labels ? classColour(classes.indexOf(map.labels[k]), classes.length) : "var(--accent)";
	const place = plane.x.map((v, k) => [to(v, 0), to(plane.y[k], 1)]);
	place.forEach((p, k) => { if (!map.labels || !hidden.has(map.labels[k])) svg.append(element("circle", { cx: p[0].toFixed(1), cy: p[1].toFixed(1), r: 3, fill: colour(k), "fill-opacity": .8 })); });
	const ring = element("circle", { r: 7, fill: "none", stroke: "var(--ink)", "stroke-width": 2, visibility: "hidden" });
	svg.append(ring);
	m.mark = row => {
		const k = row === null ? -1 : map.rows.indexOf(row);
		ring.setAttribute("visibility", k < 0 ? "hidden" : "visible");
		if (k >= 0) { ring.setAttribute("cx", place[k][0]); ring.setAttribute("cy", place[k][1]); }
	};
	const point = event => {
		const box = svg.getBoundingClientRect(), px = (event.clientX - box.left) / box.width * size, py = (event.clientY - box.top) / box.height * size;
		let best = -1, near = 20 ** 2;
		place.forEach((p, k) => {
			const d = (p[0] - px) ** 2 + (p[1] - py) ** 2;
			if (d < near && !(map.labels && hidden.has(map.labels[k]))) { near = d; best = k; }
		});
		chosen = best < 0 ? null : map.rows[best];
		maps.forEach(o => o.mark && o.mark(o.map.split === map.split ? chosen : null));
		if (best < 0) { hideHover(); return; }
		showHover(event, pictureOf(map, best) || "", element("div", {}, `${map.split} sample ${map.rows[best]}${map.labels ? ", label " + labelText(map.labels[best]) : ""}`));
	};
	svg.addEventListener("pointermove", point);
	svg.addEventListener("pointerdown", point);
	svg.addEventListener("pointerleave", () => { hideHover(); maps.forEach(o => o.mark && o.mark(null)); });
	figure.append(svg);
	return figure;
}
function mapSection() {
	const grid = element("div", { class: "columns" });
	const draw = () => grid.replaceChildren(...maps.map(drawMap));
	const kinds = element("div", { class: "keys kinds" }, ...[["tsne", "t-SNE: neighbours"], ["pca", "PCA: directions"]].map(([key, text]) => {
		const b = element("button", { type: "button", "aria-pressed": key === embedding }, text);
		b.onclick = () => { embedding = key; for (const o of kinds.children) o.setAttribute("aria-pressed", o === b); draw(); };
		return b;
	}));
	const keys = element("div", { class: "keys" }, ...classes.map((c, i) => {
		const b = element("button", { type: "button", "aria-pressed": true }, dot(classColour(i, classes.length)), labelText(c));
		b.onclick = () => { hidden.has(c) ? hidden.delete(c) : hidden.add(c); b.setAttribute("aria-pressed", !hidden.has(c)); draw(); };
		return b;
	}));
	draw();
	const says = [];
	if (maps.length) says.push(classes.length ? "Colours are labels; a click on one hides it." : "The data has no labels, so the points have one colour.");
	if (maps.some(m => m.map.atlas < 0)) says.push("The samples are no pictures: a point shows its number.");
	section("Maps of the features", maps.length ? kinds : null, classes.length ? keys : null, says.length ? element("p", { class: "soft" }, says.join(" ")) : null, grid,
		...runs.filter(r => !(r.map && r.map.pca)).map(r => note(named(r, r.no_map || (r.map && r.map.no_map) || r.stopped || "There is no map."))));
}

/* -- Kernels ------------------------------------------------------------------------------------- */

const FIRST_KERNELS = 12;

function kernels() {
	const parts = [];
	for (const run of runs) {
		const t = run.profile;
		if (!t || !Array.isArray(t.kernels)) { parts.push(note(named(run, run.no_profile || "profile.json is of another version."))); continue; }
		const table = element("table", { class: "kernels" }, element("tr", {}, ...["kernel", "shape", "µs", "share", "", "GFLOP/s", "GB/s", "of roof", "from"].map((h, k) => element("th", k === 1 || k === 8 ? { class: "left" } : {}, h))));
		t.kernels.forEach((k, rank) => {
			const share = k.seconds / t.seconds;
			table.append(element("tr", rank < FIRST_KERNELS ? {} : { class: "more" }, element("td", {}, `@${k.number} ${k.kind}`), element("td", { class: "left" }, k.shape), element("td", {}, short(1e6 * k.seconds)),
				element("td", {}, (100 * share).toFixed(1) + " %"), element("td", { class: "left" }, element("span", { class: "bar", style: `width:${(80 * share).toFixed(1)}px` })),
				element("td", {}, short(1e-9 * k.flops / k.seconds)), element("td", {}, short(1e-9 * k.bytes / k.seconds)),
				element("td", {}, Math.round(100 * k.roof_seconds / k.seconds) + " %"), element("td", { class: "left" }, k.line ? `line ${k.line}:${k.column}` : "")));
		});
		if (runs.length > 1) parts.push(element("h3", {}, dot(runColour(runs.indexOf(run))), " " + run.title));
		parts.push(element("p", { class: "soft" }, `A step takes ${short(1e3 * t.seconds)} ms in ${t.count} kernels; at this machine's roof (${short(1e-9 * t.flops_per_second)} GFLOP/s in registers, ${short(1e-9 * t.bytes_per_second)} GB/s from memory) it would take ${Math.round(100 * t.efficiency)} % of that. What stays in cache can pass 100 % of the roof.`),
			element("div", { class: "wide" }, table));
		if (t.kernels.length > FIRST_KERNELS) {
			const all = element("button", { type: "button" }, `show ${t.kernels.length} kernels`);
			all.onclick = () => { table.classList.add("all"); all.remove(); };
			parts.push(element("p", {}, all));
		}
		if (t.count > t.kernels.length) parts.push(element("p", { class: "soft" }, `The other ${t.count - t.kernels.length} kernels take ${(100 * t.others / t.seconds).toFixed(1)} %.`));
	}
	section("Where the time of a step goes", ...parts);
}

/* -- The page ------------------------------------------------------------------------------------ */

function head() {
	const what = run => {
		const facts = [];
		const p = run.results && run.results.pretraining;
		if (p) facts.push(`${p.steps} steps of pre-training, seed ${p.seed}, loss ${short(p.loss)}, ${short(p.seconds)} s`);
		if (run.data) facts.push(`${run.data.train} train and ${run.data.test} test samples of ${run.data.fields.join(", ")}`);
		facts.push(run.folder);
		return facts.join("; ");
	};
	page.append(element("h1", {}, runs.map(r => r.title).join(" · ")), ...runs.map((r, i) => element("p", { class: "soft place" }, runs.length > 1 ? dot(runColour(i)) : null, (runs.length > 1 ? " " + r.title + ": " : "") + what(r))));
}
function models() {
	section("Model files", ...runs.map(r => element("details", {}, element("summary", {}, r.title), element("pre", {}, r.model))));
}
/* Equal names are told apart by their folders. */
for (const run of runs) run.title = runs.filter(r => r.name === run.name).length > 1 ? run.folder : run.name;
head();
results();
curves();
views();
mapSection();
kernels();
models();
page.append(element("p", { class: "soft" }, `Made by sslc ${data.sslc}.`));
