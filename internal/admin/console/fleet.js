// Releases and workers.

import { $, el, setText, table } from "./dom.js";
import { age, bytes, count } from "./format.js";

/** A state in words, with a mark whose colour says how that is. */
export function state(name, shown, before) {
	const node = before ?? el("span", {});
	node.className = `state ${tone[name] ?? "quiet"}`;
	setText(node, shown ?? name);
	return node;
}

const tone = {
	active: "good", ready: "good", running: "good", warming: "busy", starting: "busy", standby: "busy", draining: "busy", leaving: "busy",
	failed: "bad", stuck: "bad",
};

export function fleet(drain) {
	const releases = table([
		{ title: "Release", class: "name", of: (r) => r.name },
		{ title: "State", of: (r, before) => state(r.state, undefined, before) },
		{ title: "For", number: true, of: (r) => age(r.since) },
		{ title: "Workers", number: true, of: (r) => r.workers === r.ready ? String(r.workers) : `${r.ready} of ${r.workers} ready` },
		{ title: "Reason", class: "reason", of: (r) => r.reason ?? "" },
	], (r) => r.number, "No release yet: no worker has attached.");
	const workers = table([
		{ title: "Worker", number: true, of: (w) => w.id },
		{ title: "Process", number: true, of: (w) => w.pid },
		{ title: "Release", class: "name", of: (w) => w.release },
		{ title: "State", of: (w, before) => state(w.stuck ? "stuck" : w.state, [w.state, w.stuck && "stuck", w.standby && `standby: ${w.standby}`].filter(Boolean).join(", "), before) },
		{ title: "For", number: true, of: (w) => age(w.attached) },
		{ title: "In flight", number: true, of: (w) => count(w.in_flight) },
		{ title: "Requests", number: true, of: (w) => count(w.requests) },
		{ title: "Memory", number: true, of: (w) => w.memory ? bytes(w.memory) : "–" },
		{
			title: "Orders", hidden: true, class: "act",
			of: (w, before) => {
				const button = before ?? el("button", { type: "button", class: "small", "aria-label": `Drain worker ${w.id}`, click: () => drain(w.id) }, "Drain…");
				button.disabled = w.state === "draining" || w.state === "gone";
				return button;
			},
		},
	], (w) => w.id, "No worker is attached.");
	$("releases").append(releases.node);
	$("workers").append(workers.node);
	return (snapshot) => {
		const order = [...snapshot.releases].sort((a, b) => b.number - a.number);
		releases.update(order.slice(0, 8));
		setText($("releases-aside"), order.length > 8 ? `the last 8 of ${order.length}` : "");
		workers.update(snapshot.workers);
		const s = snapshot.supervisor;
		const open = s?.slots.filter((slot) => slot.state.includes("breaker")).length;
		setText($("workers-aside"), s ? `restarted ${count(s.restarts)}, recycled ${count(s.recycling.count)}${open ? `, breakers open ${open}` : ""}` : "");
	};
}
