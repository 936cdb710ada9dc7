// What the checks are made of: a browser, pages that note everything wrong, a connection that can be cut, and waiting.

import { createRequire } from "node:module";
import net from "node:net";

export const input = JSON.parse(await new Promise((resolve) => {
	let text = "";
	process.stdin.on("data", (part) => { text += part; }).on("end", () => resolve(text));
}));

const installed = createRequire(input.modules);
const { chromium } = installed("playwright-core");
const { source: axe } = installed("axe-core");

/** How long anything may take on a busy machine. */
export const patience = 40000;

export const browser = await chromium.launch({
	executablePath: input.chromium,
	args: [
		...(input.root ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
	],
});

let failures = 0;

/** Does one check and reports it. */
export async function check(name, does) {
	const begun = Date.now();
	let error = "";
	try {
		await does();
	} catch (problem) {
		error = problem.stack ?? String(problem);
		failures++;
	}
	process.stdout.write(JSON.stringify({ name, error, seconds: (Date.now() - begun) / 1000 }) + "\n");
}

export async function finish() {
	await browser.close();
	process.exitCode = failures > 0 ? 1 : 0;
}

/** Waits until probe returns something true, and returns that. */
export async function until(what, probe) {
	let last;
	for (const end = Date.now() + patience; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
		last = await probe();
		if (last) return last;
	}
	throw new Error(`${what}: not within ${patience / 1000} s, at last ${JSON.stringify(last)}`);
}

export function expect(holds, what) {
	if (!holds) throw new Error(what);
}

/** A page that notes what is wrong: errors, violations of its policy, requests to others. allowed are console messages that are meant. */
export async function open(url, options = {}, allowed = []) {
	const context = await browser.newContext({ locale: "en-GB", ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(patience);
	const wrong = [];
	await page.addInitScript(() => {
		addEventListener("securitypolicyviolation", (e) => console.error(`violation of ${e.violatedDirective} by ${e.blockedURI} ${e.sample}`));
	});
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type()) && !allowed.some((a) => a.test(message.text()))) wrong.push(`console: ${message.text()} (${message.location().url})`);
	});
	page.on("pageerror", (error) => wrong.push(`error: ${error.stack ?? error}`));
	page.on("request", (request) => { if (new URL(request.url()).host !== new URL(url).host) wrong.push(`request to ${request.url()}`); });
	page.on("dialog", (dialog) => {
		wrong.push(`dialog: ${dialog.message()}`);
		dialog.dismiss();
	});
	await page.goto(url);
	return { page, context, clean: () => expect(wrong.length === 0, wrong.join("\n")) };
}

/** What breaks a rule of WCAG 2.2, levels A and AA, as far as a program can tell. The page has to be open with bypassCSP. */
export async function barriers(page) {
	await page.evaluate(axe);
	return page.evaluate(async () => {
		const found = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
		return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.failureSummary.replaceAll("\n", " ")} ${n.html.slice(0, 120)}`));
	});
}

/** A way to the admin server that can be cut and mended. */
export async function way(url) {
	const to = new URL(url), sockets = new Set();
	let whole = true;
	const server = net.createServer((near) => {
		if (!whole) {
			near.destroy();
			return;
		}
		const far = net.connect(Number(to.port), to.hostname);
		for (const [a, b] of [[near, far], [far, near]]) {
			sockets.add(a);
			a.pipe(b);
			a.on("error", () => {}).on("close", () => {
				sockets.delete(a);
				b.destroy();
			});
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		cut() {
			whole = false;
			for (const socket of sockets) socket.destroy();
		},
		mend() { whole = true; },
		close() {
			this.cut();
			server.close();
		},
	};
}
