// A row for each lane: how full its rings and arenas are, and how often nobody had to be woken.

import { $, el, setText, table } from "./dom.js";
import { bytes, count, percent } from "./format.js";

function gauge(name, part, whole, text, before) {
	const node = before ?? el("div", { class: "gauge", role: "meter", "aria-label": name, "aria-valuemin": "0" }, el("div", { class: "track" }, el("div", { class: "fill" })), el("span", { class: "figure" }));
	const share = whole > 0 ? Math.min(1, part / whole) : 0;
	node.setAttribute("aria-valuemax", whole);
	node.setAttribute("aria-valuenow", part);
	node.setAttribute("aria-valuetext", text);
	node.querySelector(".fill").style.width = `${(share * 100).toFixed(1)}%`;
	node.classList.toggle("high", share > 0.8);
	setText(node.lastElementChild, text);
	return node;
}

const settled = 10; // samples that the share of wake-ups is of

export function rings() {
	let history = [];
	const key = (lane) => `${lane.worker}/${lane.loop}`;
	const since = (lane) => history.find((lanes) => lanes.has(key(lane)))?.get(key(lane)) ?? lane;
	const view = table([
		{ title: "Lane", of: (l) => `worker ${l.worker}, loop ${l.loop}` },
		{ title: "Ring", of: (l, before) => gauge("Events in the ring", l.depth, l.slots, `${l.depth} of ${l.slots}`, before) },
		{ title: "Arena inbound", of: (l, before) => gauge("Inbound arena in use", l.inbound_bytes, l.arena_bytes, `${bytes(l.inbound_bytes)} of ${bytes(l.arena_bytes)}`, before) },
		{ title: "Arena outbound", of: (l, before) => gauge("Outbound arena in use", l.outbound_bytes, l.arena_bytes, `${bytes(l.outbound_bytes)} of ${bytes(l.arena_bytes)}`, before) },
		{ title: "In flight", number: true, of: (l) => count(l.in_flight) },
		{
			title: "Wake-ups avoided", number: true,
			of: (l) => {
				const a = since(l), avoided = l.wakeups_avoided - a.wakeups_avoided, sent = l.wakeups_sent - a.wakeups_sent;
				return avoided + sent > 0 ? percent(avoided, avoided + sent) : percent(l.wakeups_avoided, l.wakeups_avoided + l.wakeups_sent);
			},
		},
		{ title: "Stalls", number: true, of: (l) => count(l.full_stalls) },
	], key, "No worker is attached.");
	$("rings").append(view.node);
	return (sample) => {
		view.update([...sample.lanes].sort((a, b) => a.worker - b.worker || a.loop - b.loop));
		history.push(new Map(sample.lanes.map((l) => [key(l), l])));
		history = history.slice(-settled);
	};
}
