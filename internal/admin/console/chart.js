// A plot of the last five minutes: lines over time, marks for events, and what a point says under pointer or arrow keys.

import { el, setText, svg } from "./dom.js";
import { clock } from "./format.js";
import { span } from "./series.js";

const leastSpan = 60e3; // milliseconds that are shown at first

const height = 180, left = 52, right = 8, top = 8, bottom = 20;

export class Chart {
	/**
	 * node takes the plot, key its legend. lines: {name, class, of(point), area, rare: nothing is drawn at zero}. tell writes a value. log: the scale is logarithmic.
	 * say(text) is told what a point says when a key has chosen it.
	 */
	constructor(node, key, { label, lines, tell, log = false, least, say }) {
		Object.assign(this, { label, lines, tell, log, least, say, points: [], marks: [], at: null });
		this.plot = svg("svg", { class: "plot", role: "img", tabindex: "0", height, "aria-label": label });
		this.grid = svg("g", { class: "grid" });
		this.marked = svg("g", { class: "marks" });
		this.drawn = lines.map((line) => ({
			...line,
			shade: line.area ? svg("path", { class: `area ${line.class}` }) : null,
			path: svg("path", { class: `line ${line.class}` }),
			figure: el("b", {}, "–"),
		}));
		this.cross = svg("line", { class: "cross", y1: top, y2: height - bottom });
		this.plot.append(this.grid, ...this.drawn.flatMap((d) => d.shade ? [d.shade, d.path] : [d.path]), this.marked, this.cross);
		this.when = el("span", { class: "when" });
		key.append(this.when, ...this.drawn.map((d) => el("span", { class: `item ${d.class}` }, d.name, " ", d.figure)));
		node.append(this.plot);
		this.listen();
		new ResizeObserver(() => this.draw()).observe(node);
		this.node = node;
	}

	listen() {
		this.plot.addEventListener("pointermove", (event) => {
			const x = event.clientX - this.plot.getBoundingClientRect().left;
			this.choose(this.nearest(x));
		});
		this.plot.addEventListener("pointerleave", () => this.choose(null));
		this.plot.addEventListener("blur", () => this.choose(null));
		this.plot.addEventListener("keydown", (event) => {
			const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15 }[event.key];
			if (event.key === "Escape") this.choose(null);
			if (!step || this.points.length === 0) return;
			event.preventDefault();
			const from = this.at ? this.points.indexOf(this.at) : this.points.length - 1;
			this.choose(this.points[Math.min(this.points.length - 1, Math.max(0, from + step))]);
			this.say(`${clock(this.at.time)}: ` + this.lines.map((line) => `${line.name} ${this.tell(line.of(this.at))}`).join(", "));
		});
	}

	update(points, marks) {
		this.points = points;
		this.marks = marks;
		if (this.at && !points.includes(this.at)) this.at = null;
		this.draw();
	}

	choose(point) {
		this.at = point;
		this.draw();
	}

	nearest(x) {
		let found = null;
		for (const p of this.points) if (!found || Math.abs(this.x(p.time) - x) < Math.abs(this.x(found.time) - x)) found = p;
		return found;
	}

	x(time) {
		return this.width - right - (this.end - time) / this.span * (this.width - left - right);
	}

	y(value) {
		const share = this.log ? Math.log(value / this.low) / Math.log(this.high / this.low) : value / this.high;
		return height - bottom - Math.min(1, Math.max(0, share)) * (height - top - bottom);
	}

	draw() {
		this.width = Math.max(200, this.node.clientWidth);
		this.end = this.points.at(-1)?.time ?? Date.now();
		this.span = Math.min(span, Math.max(leastSpan, this.end - (this.points[0]?.time ?? this.end)));
		this.plot.setAttribute("width", this.width);
		this.plot.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
		const steps = this.scale();
		this.grid.replaceChildren(...steps.flatMap((value) => [
			svg("line", { x1: left, x2: this.width - right, y1: this.y(value), y2: this.y(value) }),
			svg("text", { x: left - 8, y: this.y(value) + 4, "text-anchor": "end" }, this.tell(value)),
		]), ...this.times().map((seconds) => svg("text", {
			x: this.x(this.end - seconds * 1000), y: height - 4, "text-anchor": seconds === 0 ? "end" : "middle",
		}, seconds === 0 ? "now" : seconds % 60 === 0 ? `−${seconds / 60} min` : `−${seconds} s`)));
		for (const line of this.drawn) {
			const { path, area } = this.trace(line.rare ? (p) => line.of(p) || NaN : line.of);
			line.path.setAttribute("d", path);
			line.shade?.setAttribute("d", area);
		}
		this.marked.replaceChildren(...this.marks.filter((m) => m.time >= this.end - this.span && m.time <= this.end).map((m) => svg("g", { class: m.class },
			svg("title", {}, `${clock(m.time)} ${m.text}`),
			svg("line", { x1: this.x(m.time), x2: this.x(m.time), y1: top, y2: height - bottom }))));
		this.read();
	}

	/** Seconds before the end that are written below the plot. */
	times() {
		const room = Math.max(2, Math.floor((this.width - left - right) / 75)), all = this.span / 1000;
		const step = [10, 20, 30, 60, 120].find((s) => all / s <= room) ?? 300;
		return Array.from({ length: Math.floor(all / step) + 1 }, (_, i) => i * step);
	}

	/** Sets the bounds of the scale and returns the values of its lines. */
	scale() {
		const values = this.points.flatMap((p) => this.lines.map((line) => line.of(p))).filter((v) => v > 0);
		const most = Math.max(this.least, ...values);
		if (this.log) {
			this.low = 10 ** Math.floor(Math.log10(Math.min(this.least, ...values)));
			this.high = 10 ** Math.ceil(Math.log10(most * 1.0001));
			const decades = Math.round(Math.log10(this.high / this.low));
			return Array.from({ length: decades + 1 }, (_, i) => this.low * 10 ** i);
		}
		const rough = most / 4, unit = 10 ** Math.floor(Math.log10(rough));
		const step = unit * [1, 2, 2.5, 5, 10].find((n) => n * unit >= rough);
		this.high = step * 4;
		return [0, 1, 2, 3, 4].map((i) => i * step);
	}

	/** A line, and the area below it; both end where values are missing. */
	trace(of) {
		let path = "", area = "", run = [];
		const floor = (height - bottom).toFixed(1);
		const finish = () => {
			if (run.length === 1) path += `M${run[0]}h0`;
			else if (run.length > 1) {
				path += `M${run.join("L")}`;
				area += `M${run[0].split(" ")[0]} ${floor}L${run.join("L")}L${run.at(-1).split(" ")[0]} ${floor}Z`;
			}
			run = [];
		};
		let before = null;
		for (const p of this.points) {
			const value = of(p);
			if (!Number.isFinite(value) || (before && p.time - before > 5000)) finish();
			if (Number.isFinite(value)) run.push(`${this.x(p.time).toFixed(1)} ${this.y(value).toFixed(1)}`);
			before = p.time;
		}
		finish();
		return { path, area };
	}

	/** Writes the figures of the chosen point, or of the last one. */
	read() {
		const p = this.at ?? this.points.at(-1);
		for (const line of this.drawn) setText(line.figure, p ? this.tell(line.of(p)) : "–");
		setText(this.when, this.at ? clock(this.at.time) : "");
		this.cross.classList.toggle("shown", this.at !== null);
		if (!p) return;
		const x = this.x(p.time);
		this.cross.setAttribute("x1", x);
		this.cross.setAttribute("x2", x);
		this.plot.setAttribute("aria-label", `${this.label}, last five minutes. ` + this.lines.map((line) => `${line.name} ${this.tell(line.of(p))}`).join(", "));
	}
}
