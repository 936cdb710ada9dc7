// What has changed, newest first.

import { $, el } from "./dom.js";
import { clock } from "./format.js";
import { state } from "./fleet.js";

const most = 256;

export function timeline() {
	const list = $("timeline"), marks = [];
	const add = (item) => {
		list.prepend(item);
		while (list.childElementCount > most) list.lastElementChild.remove();
	};
	return {
		marks, // of plots: releases that became active, or failed
		event(e) {
			const what = e.kind === "worker" ? `worker ${e.name}` : [e.kind, e.name].filter(Boolean).join(" ");
			add(el("li", { "data-kind": e.kind, "data-name": e.name, "data-state": e.state },
				el("time", { datetime: e.time }, clock(e.time)),
				el("span", { class: "what" }, what),
				el("span", { class: "change" }, e.was ? el("span", { class: "was" }, `${e.was} → `) : "", state(e.state),
					e.reason ? el("span", { class: "why" }, e.reason) : "")));
			if (e.kind === "release" && (e.state === "active" || e.state === "failed")) {
				marks.push({ time: Date.parse(e.time), text: `${what} is ${e.state}`, class: e.state });
				if (marks.length > most) marks.shift();
			}
		},
		another(pid) {
			add(el("li", { class: "divider" }, `gateway process ${pid}`));
		},
	};
}
