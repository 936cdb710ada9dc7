// Questions and orders to the admin server, with the token that its user enters once asked.

import { askToken } from "./token.js";

const kept = "ringway-token";

let token = "";
try {
	token = sessionStorage.getItem(kept) ?? "";
} catch {
	// Storage may be forbidden: the token is kept in memory alone.
}

/** An answer that is a problem: message is its detail. */
export class Problem extends Error {
	constructor(status, code, detail) {
		super(detail);
		this.status = status;
		this.code = code;
	}
}

/** Sends a request; asks for the token until the server takes it. Throws Problem, or TypeError where nobody answers. */
export async function send(path, options = {}) {
	for (let refused = ""; ; ) {
		const used = token;
		const headers = new Headers(options.headers);
		if (used) headers.set("Authorization", `Bearer ${used}`);
		const answer = await fetch(path, { ...options, headers, cache: "no-store", redirect: "error" });
		if (answer.ok) return answer;
		const told = await answer.json().catch(() => ({}));
		if (answer.status !== 401) {
			throw new Problem(answer.status, told.code ?? "", told.detail ?? `The gateway answered ${answer.status}.`);
		}
		refused = used ? "The gateway does not know this token." : "";
		if (used === token) keep(await askToken(refused));
	}
}

function keep(value) {
	token = value;
	try {
		sessionStorage.setItem(kept, value);
	} catch {
		// In memory it is.
	}
}

export const get = async (path) => (await send(path)).json();

const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const put = async (path, body) => (await send(path, json("PUT", body))).json();

/** Gives an order and tells its steps as they come. Throws Problem if it was not begun or has failed. */
export async function order(path, body, step) {
	const answer = await send(path, json("POST", body));
	for await (const line of lines(answer.body)) {
		if (line === "") continue;
		const progress = JSON.parse(line);
		if (progress.step) step(progress.step);
		if (progress.error) throw new Problem(200, "", progress.error);
		if (progress.done) return;
	}
	throw new Problem(200, "", "The gateway has not told the outcome; the events may.");
}

/** The lines of a stream of bytes, as they are complete. */
export async function* lines(body) {
	const decoder = new TextDecoder();
	const reader = body.getReader();
	let rest = "";
	try {
		for (;;) {
			const { value, done } = await reader.read();
			if (done) break;
			const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
			rest = parts.pop();
			yield* parts;
		}
		if (rest) yield rest;
	} finally {
		reader.cancel().catch(() => {});
	}
}
