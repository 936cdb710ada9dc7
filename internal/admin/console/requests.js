// The requests in flight, asked for while the list is in sight.

import { get } from "./api.js";
import { $, el, setText, table } from "./dom.js";
import { count, duration } from "./format.js";

const period = 2000, shown = 100;

export function requests() {
	const view = table([
		{ title: "Age", number: true, of: (r) => duration(r.age_ns) },
		{ title: "State", of: (r) => r.retried ? `${r.state}, again` : r.state },
		{ title: "Worker", number: true, of: (r) => r.worker ?? "–" },
		{ title: "Request", class: "path", of: (r, before) => target(r, before) },
		{ title: "Client", class: "client", of: (r) => r.client || "unix socket" },
	], (r) => r.row, "Nothing is in flight.");
	$("requests").append(view.node);
	let visible = false, asking = false;
	const ask = async () => {
		if (!visible || document.hidden || asking) return;
		asking = true;
		try {
			const list = await get(`/requests?limit=${shown}`);
			const oldest = list.requests.sort((a, b) => b.age_ns - a.age_ns).map((r, row) => ({ ...r, row }));
			view.update(oldest);
			setText($("requests-aside"), list.total > oldest.length ? `${oldest.length} of ${count(list.total)}` : `${count(list.total)}, oldest first`);
		} catch {
			setText($("requests-aside"), "cannot be had now");
		}
		asking = false;
	};
	new IntersectionObserver(([entry]) => {
		visible = entry.isIntersecting;
		ask();
	}).observe($("requests"));
	document.addEventListener("visibilitychange", ask);
	setInterval(ask, period);
}

function target(r, before) {
	const node = before ?? el("span", {}, el("b", {}), " ", el("span", {}));
	setText(node.firstElementChild, r.method ?? "");
	setText(node.lastElementChild, r.path ?? (r.method ? "" : "its answer is on the way"));
	return node;
}
