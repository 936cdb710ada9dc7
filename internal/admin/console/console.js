// The console: follows the gateway's events and asks for the rest when something has changed.

import { get, order, put } from "./api.js";
import { $, setText } from "./dom.js";
import { fleet, state } from "./fleet.js";
import { age } from "./format.js";
import { confirm } from "./orders.js";
import { overview } from "./overview.js";
import { requests } from "./requests.js";
import { rings } from "./rings.js";
import { Series } from "./series.js";
import { follow } from "./stream.js";
import { swap } from "./swap.js";
import { timeline } from "./timeline.js";

const series = new Series();
const seen = overview(series), showRings = rings(), history = timeline();
const showFleet = fleet((worker) => confirm({
	title: `Drain worker ${worker}`,
	text: "It gets no more requests, finishes what it has, and ends. The gateway starts another one in its place if it started this one.",
	action: "Drain",
	done: "The worker drains.",
	run: (step) => order("/drain", { worker }, step),
}));

let started = "", lastEvent = 0, snapshot = null;

function show(s) {
	snapshot = s;
	series.bounds = s.latency_bounds_ns;
	if (s.gateway.started !== started) {
		// Another process: its counters and the numbers of its events begin anew.
		if (started) history.another(s.gateway.pid);
		started = s.gateway.started;
		lastEvent = 0;
		series.reset();
	}
	showState(s.gateway.state);
	setText($("gateway-about"), `${s.listeners.map((l) => l.url).join("  ")}  ·  process ${s.gateway.pid}  ·  ${s.gateway.version}  ·  up ${age(s.gateway.started)}`);
	showFleet(s);
}

function showState(name) {
	state(name, undefined, $("gateway-state"));
	document.title = name === "running" ? "Ringway" : `${name} · Ringway`;
}

let asking = false, again = false;
async function refresh() {
	again = true;
	if (asking) return;
	asking = true;
	try {
		while (again) {
			again = false;
			show(await get("/stats"));
		}
	} catch {
		// The stream tells that the gateway is gone, and asks when it is back.
	}
	asking = false;
}
setInterval(() => { if (!document.hidden && $("link").dataset.state === "live") refresh(); }, 2000);

function showLink(name, wait) {
	$("link").dataset.state = name;
	document.body.classList.toggle("stale", name !== "live");
	setText($("link-text"), { live: "live", asleep: "asleep", lost: `connection lost, next attempt in ${Math.ceil(wait / 1000)} s` }[name]);
}

follow({
	async begin() {
		show(await get("/stats"));
		showLevel((await get("/loglevel")).level);
		return lastEvent;
	},
	event(kind, data) {
		if (kind === "state") {
			lastEvent = data.id;
			history.event(data);
			refresh();
		} else if (kind === "sample") {
			showState(data.state);
			showRings(data);
			const point = series.add(data);
			if (point) seen.update(point, history.marks);
			else seen.first(data);
		}
	},
	state: showLink,
});
requests();

$("swap").addEventListener("click", () => swap(snapshot?.releases.find((r) => r.state === "active")));
$("rollback").addEventListener("click", () => confirm({
	title: "Roll back",
	text: "The release that was active before gets all requests again, in one step.",
	action: "Roll back",
	done: "The release before is active again.",
	run: (step) => order("/rollback", {}, step),
}));

let level = "";
function showLevel(name) {
	level = name;
	$("level").value = name;
	$("level").disabled = false;
}
$("level").addEventListener("change", () => {
	const to = $("level").value;
	$("level").value = level;
	confirm({
		title: `Log level ${to}`,
		text: `The gateway logs from ${to} on, until it ends or its level is changed again; now it is ${level}.`,
		action: "Change",
		run: async () => {
			showLevel((await put("/loglevel", { level: to })).level);
			return `The log level is ${level}.`;
		},
	});
});

const themes = ["auto", "light", "dark"];
function showTheme(name) {
	if (name === "auto") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = name;
	setText($("theme"), `◐ ${name[0].toUpperCase()}${name.slice(1)}`);
	$("theme").setAttribute("aria-label", `Theme: ${name}`);
}
showTheme(document.documentElement.dataset.theme ?? "auto");
$("theme").addEventListener("click", () => {
	const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % themes.length];
	showTheme(next);
	try {
		localStorage.setItem("ringway-theme", next);
	} catch {
		// It lasts as long as the page, then.
	}
});
