// The figures of this moment, the plots, and the answers by class.

import { Chart } from "./chart.js";
import { $, el, setText } from "./dom.js";
import { bytes, count, duration, percent } from "./format.js";
import { classes } from "./series.js";

const tiles = [
	["requests / s", (p) => count(p.rate)],
	["p50", (p) => duration(p.p50)],
	["p99", (p) => duration(p.p99)],
	["connections", (p) => count(p.connections)],
	["in flight", (p) => count(p.inFlight)],
	["parked", (p) => count(p.parked), (p) => p.parked > 0],
	["5xx / s", (p) => count(p.errors), (p) => p.errors > 0],
	["refused / s", (p) => count(p.refused), (p) => p.refused > 0],
	["in", (p) => `${bytes(p.bytesIn)}/s`],
	["out", (p) => `${bytes(p.bytesOut)}/s`],
];

export function overview(series) {
	const figures = tiles.map(([name, , warns], i) => {
		const figure = el("dd", {}, "–");
		const tile = el("div", { class: i === 0 ? "tile first" : "tile", "data-tile": name }, el("dt", {}, name), figure);
		$("tiles").append(tile);
		return { tile, figure, warns };
	});
	const say = (text) => setText($("outcome"), text);
	const rate = new Chart($("rate-plot"), $("rate-key"), {
		label: "Requests per second", tell: count, least: 4, say,
		lines: [
			{ name: "all", class: "accent", of: (p) => p.rate, area: true },
			{ name: "4xx", class: "warn", of: (p) => p.answers["4xx"] / p.seconds, rare: true },
			{ name: "5xx", class: "bad", of: (p) => p.errors, rare: true },
		],
	});
	const latency = new Chart($("latency-plot"), $("latency-key"), {
		label: "Latency", tell: duration, least: 1e5, log: true, say,
		lines: [{ name: "p50", class: "quiet", of: (p) => p.p50 }, { name: "p99", class: "accent", of: (p) => p.p99 }],
	});
	const shares = classes.map((name) => {
		const part = el("div", { class: `part c${name}` }), figure = el("b", {}, "0"), share = el("span", {}, "–");
		return { name, part, figure, share, item: el("li", { class: `c${name}`, "data-class": name }, el("span", { class: "name" }, name), figure, share) };
	});
	$("classes").append(el("div", { class: "stack", "aria-hidden": "true" }, ...shares.map((s) => s.part)), el("ul", {}, ...shares.map((s) => s.item)));

	const current = (p) => tiles.forEach(([, tell], i) => {
		setText(figures[i].figure, tell(p));
		figures[i].tile.classList.toggle("warns", Boolean(figures[i].warns?.(p)));
	});
	return {
		/** Before there are two samples: what a single one tells. */
		first(sample) {
			current({ connections: sample.connections, inFlight: sample.in_flight, parked: sample.parked });
		},
		update(point, marks) {
			current(point);
			rate.update(series.points, marks);
			latency.update(series.points, marks);
			const sums = series.answersWithin(60e3);
			const all = classes.reduce((sum, name) => sum + sums[name], 0);
			for (const s of shares) {
				setText(s.figure, count(sums[s.name]));
				setText(s.share, percent(sums[s.name], all));
				s.part.style.flexGrow = sums[s.name];
				s.item.classList.toggle("zero", sums[s.name] === 0);
			}
		},
	};
}
