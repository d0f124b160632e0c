/* explain.js: the dumps of the stages side by side. A line is linked by what stands in it: places of the
 * model file (line:column), nodes (%7) and kernels (@3). */
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
document.body.classList.add("explain");

function element(name, attributes = {}, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
	e.append(...children.filter(c => c !== null && c !== undefined));
	return e;
}
const short = x => Number.isFinite(x) ? String(+x.toPrecision(3)) : "–";

/* -- What the dumps say -------------------------------------------------------------------------- */

/* Node: { id, text, place }, place "4:16" or null: it is of no line of the file. */
const nodes = data.graph.split("\n").slice(1).filter(l => l.trim()).map(text => {
	const id = /^\s*(?:%(\d+) =)/.exec(text), from = /\s*# (.*):(\d+):(\d+)$/.exec(text);
	const place = from && from[1] === data.file ? from[2] + ":" + from[3] : null;
	return { id: id ? id[1] : null, text: from ? text.slice(0, from.index) : text, place };
});
const placeOf = new Map(nodes.map(n => [n.id, n.place]));
/* Kernel: { number, lines, nodes, code, chain }: code is the number of the kernel that is made for it. */
const kernels = [];
for (const line of data.kernels.split("\n").slice(1)) {
	const head = /^ {2}@(\d+) /.exec(line);
	if (head) {
		const same = / code of @(\d+)$/.exec(line);
		const within = / in the chain/.test(line) && kernels.length ? kernels[kernels.length - 1].chain : null;
		kernels.push({ number: +head[1], lines: [], head: line.trim(), nodes: new Set(), code: same ? +same[1] : +head[1], chain: within ?? (/ chain of /.test(line) ? +head[1] : null) });
	} else if (kernels.length && line.trim()) {
		const k = kernels[kernels.length - 1], id = /^\s*%(\d+) =/.exec(line);
		k.lines.push({ text: line, id: id ? id[1] : null });
		if (id) k.nodes.add(id[1]);
	}
}
const times = new Map(((data.profile && data.profile.kernels) || []).map(k => [k.number, k]));
const codeNames = k => ["k" + k.code, ...(k.chain !== null ? ["chain" + k.chain] : [])];

/* What is linked to a place, a node or a kernel: sets of each. */
function linked(kind, key) {
	const found = { places: new Set(), nodes: new Set(), kernels: new Set() };
	if (kind === "place") {
		found.places.add(key);
		nodes.forEach(n => n.place === key && found.nodes.add(n.id));
		kernels.forEach(k => { if ([...k.nodes].some(n => found.nodes.has(n))) found.kernels.add(k.number); });
	} else if (kind === "node") {
		found.nodes.add(key);
		if (placeOf.get(key)) found.places.add(placeOf.get(key));
		kernels.forEach(k => k.nodes.has(key) && found.kernels.add(k.number));
	} else {
		const all = kernels.filter(k => kind === "kernel" ? k.number === +key : codeNames(k).includes(key));
		for (const k of all) {
			found.kernels.add(k.number);
			k.nodes.forEach(n => { found.nodes.add(n); if (placeOf.get(n)) found.places.add(placeOf.get(n)); });
		}
	}
	return found;
}

/* -- Panes --------------------------------------------------------------------------------------- */

const boxes = {};
function pane(name, title, ...more) {
	boxes[name] = element("div", { class: "lines", "data-pane": name, tabindex: "0" });
	return element("section", { class: "pane" }, element("h2", {}, title, ...more), boxes[name]);
}
const line = (kind, key, ...parts) => element("div", key === null ? {} : { "data-kind": kind, "data-key": key }, ...parts);

/* A line of the file, in which each place that something came from can be pressed. Columns count bytes. */
function modelLine(text, number, columns) {
	const bytes = new TextEncoder().encode(text), decode = (a, b) => new TextDecoder().decode(bytes.slice(a, b));
	const parts = [element("span", { class: "number" }, String(number).padStart(4) + "  "), decode(0, columns.length ? columns[0] - 1 : bytes.length)];
	columns.forEach((c, i) => {
		const part = decode(c - 1, i + 1 < columns.length ? columns[i + 1] - 1 : bytes.length);
		const end = part.search(/"[",:\s\[\]{}]*$|[\s,]*$/); // what stands between expressions is of none
		parts.push(element("span", { "data-place": number + ":" + c, "data-kind": "place", "data-key": number + ":" + c }, part.slice(0, end)), part.slice(end));
	});
	return element("div", {}, ...parts);
}
function fillModel() {
	const columns = new Map();
	for (const n of nodes) {
		if (!n.place) continue;
		const [l, c] = n.place.split(":").map(Number);
		columns.set(l, (columns.get(l) || new Set()).add(c));
	}
	data.model.split("\n").forEach((text, i) => boxes.model.append(modelLine(text, i + 1, [...(columns.get(i + 1) || [])].sort((a, b) => a - b))));
}
function kernelHead(k) {
	const t = times.get(k.number), whole = data.profile ? data.profile.seconds : 0;
	const says = t ? `  ${short(1e6 * t.seconds)} µs, ${(100 * t.seconds / whole).toFixed(1)} % of the step, ${Math.round(100 * t.roof_seconds / t.seconds)} % of the roof` : "";
	const e = line("kernel", String(k.number), k.head, element("span", { class: "time" }, says));
	e.classList.add("kernel");
	return e;
}
let code = "llvm";
function fillCode() {
	boxes.code.replaceChildren();
	for (const [name, text] of Object.entries(data[code])) {
		if (name.endsWith(" cut")) continue;
		const lines = text.replace(/\n$/, "").split("\n").map(l => line("code", name, l));
		lines[0].classList.add("kernel");
		boxes.code.append(...lines);
		if (data[code][name + " cut"]) boxes.code.append(element("div", { class: "time" }, `  ... only the first ${data[code][name + " cut"]} lines are shown: sslc dump has all`));
	}
	if (chosen) mark(...chosen, null);
}

/* -- Links --------------------------------------------------------------------------------------- */

let chosen = null;
function mark(kind, key, from) {
	const found = linked(kind, key), code = new Set(kernels.filter(k => found.kernels.has(k.number)).flatMap(codeNames));
	const isNear = { place: k => found.places.has(k), node: k => found.nodes.has(k), kernel: k => found.kernels.has(+k), code: k => code.has(k) };
	const ofKernels = kind === "kernel" || kind === "code"; /* what they share with others is not followed there */
	for (const [name, box] of Object.entries(boxes)) {
		let first = null;
		for (const e of box.querySelectorAll("[data-key]")) {
			const elsewhere = ofKernels && e.dataset.kernel && !found.kernels.has(+e.dataset.kernel);
			const near = !elsewhere && isNear[e.dataset.kind](e.dataset.key);
			e.classList.toggle("near", near);
			e.classList.toggle("chosen", near && e.dataset.kind === kind && e.dataset.key === key);
			if (near && (!first || (name === "kernels" && ofKernels && e.dataset.kind === "kernel" && first.dataset.kind !== "kernel"))) first = e;
		}
		if (first && name !== from) {
			const row = first.closest("div");
			box.scrollTop = row.offsetTop - box.clientHeight / 3;
		}
	}
}
function press(event) {
	const e = event.target.closest("[data-key]");
	if (!e) return;
	chosen = [e.dataset.kind, e.dataset.key];
	mark(...chosen, e.closest(".lines").dataset.pane);
}

/* -- The page ------------------------------------------------------------------------------------ */

const tabs = element("span", { class: "keys kinds" }, ...[["llvm", "LLVM"], ["asm", "assembly"]].map(([key, text]) => {
	const b = element("button", { type: "button", "aria-pressed": key === code }, text);
	b.onclick = () => { code = key; for (const o of tabs.children) o.setAttribute("aria-pressed", o === b); fillCode(); };
	return b;
}));
const p = data.profile;
page.append(element("h1", {}, `${data.name}: ${data.function}`),
	element("p", { class: "soft" }, `${nodes.filter(n => n.id).length} nodes in ${kernels.length} kernels, code for ${data.cpu}. ` +
		(p ? `A call takes ${short(1e3 * p.seconds)} ms, ${Math.round(100 * p.efficiency)} % of this machine's roof. ` : "Nothing was measured. ") + "Press a line to see what became of it, or what it came from."),
	element("div", { class: "panes" }, pane("model", data.file), pane("graph", "Graph, after all passes"), pane("kernels", "Kernels"), pane("code", "Code", tabs)),
	element("p", { class: "soft" }, `Made by sslc ${data.sslc}.`));
fillModel();
nodes.forEach(n => boxes.graph.append(line("node", n.id, n.text)));
for (const k of kernels) {
	boxes.kernels.append(kernelHead(k));
	for (const l of k.lines) {
		const e = line("node", l.id, l.text);
		e.dataset.kernel = k.number;
		boxes.kernels.append(e);
	}
}
for (const key of ["graph", "kernels", "model"])
	if (data[key + " cut"]) boxes[key].append(element("div", { class: "time" }, "... cut here: sslc dump has all of it"));
fillCode();
page.addEventListener("click", press);
if (kernels.length) {
	const slowest = kernels.reduce((a, b) => (times.get(b.number)?.seconds || 0) > (times.get(a.number)?.seconds || 0) ? b : a);
	chosen = ["kernel", String(slowest.number)];
	mark(...chosen, null);
}
