// GET /events, read with fetch because an EventSource cannot bear a token. It comes back by itself, and goes on after the last event.

import { lines, send } from "./api.js";

const firstWait = 500, mostWait = 8000; // milliseconds between attempts
const silence = 15000; // a gateway that lives sends a sample each second

/**
 * Follows the events for as long as the page is open.
 * begin() is awaited before each attempt and returns the number of the last event that is known; event(kind, data) takes each;
 * state(name, wait) is told "live", "lost" (with milliseconds until the next attempt) or "asleep".
 */
export async function follow({ begin, event, state }) {
	for (let wait = firstWait; ; ) {
		await awake(state);
		try {
			await once(begin, event, () => {
				wait = firstWait;
				state("live");
			});
		} catch (problem) {
			if (problem.status === 503) wait = mostWait;
		}
		if (resting()) continue;
		state("lost", wait);
		await pause(wait);
		wait = Math.min(wait * 2, mostWait);
	}
}

async function once(begin, event, live) {
	const abort = new AbortController();
	let timer;
	const heard = () => {
		clearTimeout(timer);
		timer = setTimeout(() => abort.abort(), silence);
	};
	const leave = watchHidden(() => abort.abort());
	try {
		heard();
		const last = await begin();
		const answer = await send("/events", { signal: abort.signal, headers: last ? { "Last-Event-ID": String(last) } : {} });
		live();
		let kind = "message", data = "";
		for await (const line of lines(answer.body)) {
			heard();
			if (line === "") {
				if (data) event(kind, JSON.parse(data));
				kind = "message";
				data = "";
			} else if (line.startsWith("event: ")) kind = line.slice(7);
			else if (line.startsWith("data: ")) data += line.slice(6);
		}
	} finally {
		clearTimeout(timer);
		leave();
	}
}

const pause = (ms) => new Promise((resolve) => {
	const end = () => {
		clearTimeout(timer);
		removeEventListener("online", end);
		document.removeEventListener("visibilitychange", end);
		resolve();
	};
	const timer = setTimeout(end, ms);
	addEventListener("online", end);
	document.addEventListener("visibilitychange", end);
});

// A page that nobody has looked at for as long as it remembers gives its seat to others: the gateway has 32.
const restAfter = 300e3;
let hiddenSince = document.hidden ? Date.now() : 0;
const resting = () => hiddenSince !== 0 && Date.now() - hiddenSince >= restAfter;

document.addEventListener("visibilitychange", () => { hiddenSince = document.hidden ? Date.now() : 0; });

function watchHidden(rest) {
	const timer = setInterval(() => { if (resting()) rest(); }, 5000);
	return () => clearInterval(timer);
}

async function awake(state) {
	while (resting()) {
		state("asleep");
		await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
	}
}
