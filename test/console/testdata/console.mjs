// Looks at the console as a person does. Everything waits for what is seen, never for a time.

import http from "node:http";
import { barriers, browser, check, expect, finish, input, open, patience, until, way } from "./harness.mjs";

const refusals = [/status of 409/];
const line = await way(input.admin);
const { page, clean } = await open(line.url + "/", { viewport: { width: 1440, height: 900 }, colorScheme: "light" }, [...refusals, /net::ERR_/]);
const text = (selector) => page.locator(selector).textContent();
async function picture(name, of = page, fullPage = true) {
	if (fullPage) await of.evaluate(() => scrollTo(0, 0)); // the bar is above all
	await of.screenshot({ path: `${input.pictures}/${name}.png`, fullPage });
}
const number = (shown) => parseFloat(shown) * ({ k: 1e3, M: 1e6 }[shown.at(-1)] ?? 1);
const event = (kind, name, state) => page.locator(`#timeline li[data-kind="${kind}"][data-name="${name}"][data-state="${state}"]`);
/** Waits for the end of an order, which has to be as wanted. */
async function outcome(wanted) {
	await page.locator("#order-outcome").waitFor().catch(async (problem) => {
		await picture("stuck", page, false);
		throw new Error(`no outcome of ${await text("#order")}: ${problem.message}`);
	});
	const told = await text("#order-outcome");
	expect(wanted.test(told), `the outcome is ${told}, want ${wanted}`);
}
const seen = (locator) => locator.first().waitFor({ state: "attached", timeout: patience });

/** A request that goes on for as long as the check lasts. */
function hold(target) {
	const request = http.get(input.base + target);
	request.on("error", () => {});
	request.begun = new Promise((resolve) => request.on("response", (response) => {
		response.on("error", () => {}).resume();
		resolve();
	}));
	return request;
}

await check("rates move under load", async () => {
	await until("live", async () => (await text("#link-text")) === "live");
	await until("a rate", async () => number(await text('[data-tile="requests / s"] dd')) > 5);
	await until("a latency", async () => / (µs|ms|s)$/.test(await text('[data-tile="p99"] dd')));
	for (const name of ["2xx", "3xx", "4xx", "5xx"]) {
		await until(`answers ${name}`, async () => number(await text(`[data-class="${name}"] b`)) > 0);
	}
	const first = await page.locator("#rate-plot .line.accent").getAttribute("d");
	await until("a line that grows", async () => {
		const now = await page.locator("#rate-plot .line.accent").getAttribute("d");
		return now !== first && now.split("L").length > 4;
	});
	await until("connections", async () => number(await text('[data-tile="connections"] dd')) > 0);
});

await check("releases workers and rings are shown", async () => {
	await until("release r1, active", async () => /r1.*active/.test(await text("#releases tbody")));
	await until("two workers", async () => (await page.locator("#workers tbody tr").count()) === 2);
	await until("a lane for each worker and loop", async () => (await page.locator("#rings tbody tr").count()) === 4);
	await until("wake-ups avoided", async () => / %/.test(await text("#rings tbody")));
	expect((await page.locator('#rings [role="meter"]').count()) === 12, "three gauges for each lane");
});

await check("requests in flight are listed", async () => {
	const request = hold("/sleep?ms=60000");
	await page.locator("#requests").scrollIntoViewIfNeeded();
	const row = page.locator("#requests tbody tr", { hasText: "/sleep" }).filter({ hasText: "running" });
	await row.first().waitFor();
	await until("an age that grows", async () => / s$/.test(await row.first().locator("td").first().textContent()));
	await picture("light");
	request.destroy();
});

await check("the log level changes after confirmation", async () => {
	await page.selectOption("#level", "DEBUG");
	expect((await page.inputValue("#level")) === "INFO", "it shows the level in force until it is confirmed");
	await page.click("#order-close");
	await page.selectOption("#level", "WARN");
	await page.click("#order-do");
	await outcome(/log level is WARN/);
	await page.click("#order-close");
	expect((await page.inputValue("#level")) === "WARN", "the new level is shown");
	// A dialog that is opened before the end of the one before was told.
	await page.evaluate(() => {
		document.getElementById("swap").click();
		document.getElementById("order").close();
		document.getElementById("level").value = "ERROR";
		document.getElementById("level").dispatchEvent(new Event("change"));
	});
	await page.click("#order-do");
	await outcome(/log level is ERROR/);
	await page.click("#order-close");
});

await check("a swap by clicking and the old release drains", async () => {
	const request = hold("/stream?n=600&ms=100");
	await request.begun; // by the release that is going to be replaced
	await page.click("#swap");
	expect((await page.inputValue("#swap-path")) === input.worker, "the program that serves is offered");
	await page.uncheck("#swap-keep");
	await page.fill("#swap-args", "--release\nr2");
	await picture("dialog", page, false);
	await page.click("#order-do");
	await until("steps", async () => (await page.locator("#order-steps li").count()) > 0);
	await outcome(/^The new release is active\.$/);
	await picture("swapped", page, false);
	await page.keyboard.press("Escape");
	await seen(event("release", "r2", "active"));
	await seen(event("release", "r1", "standby"));
	await seen(event("release", "r1", "draining"));
	await until("the old one in the table, draining", async () => /r1draining/.test(await text("#releases tbody")));
	await until("its worker, draining", async () => /r1draining/.test(await text("#workers tbody")));
	await picture("draining");
	request.destroy();
	await seen(event("release", "r1", "retired"));
	await until("a mark in the plot", async () => (await page.locator("#rate-plot .marks .active").count()) >= 2);
});

await check("a failed swap is explained", async () => {
	await page.click("#swap");
	await page.fill("#swap-path", "/no/such/program");
	await page.click("#order-do");
	await outcome(/\/no\/such\/program/);
	expect((await page.locator("#order-outcome.bad").count()) === 1, "shown as a failure");
	await page.click("#order-close");
	await page.click("#swap");
	await page.uncheck("#swap-keep");
	await page.fill("#swap-args", "--no-such-flag");
	await page.click("#order-do");
	await outcome(/exit status 2/);
	await picture("failed", page, false);
	await page.click("#order-close");
	await seen(page.locator('#timeline li[data-kind="release"][data-state="failed"]'));
	await until("the reason in the table", async () => /failed.*exit status 2/.test(await text("#releases tbody")));
});

await check("rollback and drain by keyboard alone", async () => {
	const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label"));
	const go = async (to) => {
		for (let i = 0; i < 60; i++) {
			if (await focused() === to) return;
			await page.keyboard.press("Tab");
		}
		throw new Error(`Tab does not lead to ${to}`);
	};
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press("Tab");
	await go("rollback");
	const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
	expect(outline === "solid", `focus is visible: ${outline}`);
	await page.keyboard.press("Enter");
	await until("the dialog with its button in focus", async () => (await focused()) === "order-do");
	await page.keyboard.press("Escape");
	await until("the focus is back", async () => (await focused()) === "rollback");
	await page.keyboard.press("Enter");
	await until("the dialog again", async () => (await focused()) === "order-do");
	await page.keyboard.press("Enter");
	await outcome(/^The release before is active again\.$/);
	await page.keyboard.press("Escape");
	await until("r1 is active again", async () => (await event("release", "r1", "active").count()) === 2);
	await until("workers at rest", async () => (await page.locator("#workers tbody tr").count()) === 2 && !/draining|starting/.test(await text("#workers tbody")));
	const label = await page.locator("#workers button").first().getAttribute("aria-label");
	await go(label);
	await page.keyboard.press("Enter");
	await until("the dialog", async () => (await focused()) === "order-do");
	await page.keyboard.press("Enter");
	await outcome(/^The worker drains\.$/);
	expect((await focused()) === "order-close", "the way out is in focus");
	await page.keyboard.press("Enter");
	await seen(event("worker", label.replace("Drain worker ", ""), "draining"));
	await go("requests");
	await page.locator("#latency-plot svg").focus();
	await page.keyboard.press("ArrowLeft");
	await until("a point that is told", async () => /p50 .*p99 /.test(await text("#outcome")));
});

await check("text of the gateway is text", async () => {
	const name = "<img/src=x/onerror=alert(1)>";
	await page.click("#swap");
	await page.uncheck("#swap-keep");
	await page.fill("#swap-args", `--release\n${name}`);
	await page.click("#order-do");
	await outcome(/./);
	await until("the name as it is", async () => (await page.locator("body").textContent()).includes(name));
	expect((await page.locator('img[src="x"]').count()) === 0, "no markup is made of it");
	await page.keyboard.press("Escape");
});

await check("a lost connection is shown and comes back", async () => {
	const before = await page.locator("#timeline li").count();
	line.cut();
	await until("lost", async () => /connection lost/.test(await text("#link-text")));
	await picture("lost", page, false);
	line.mend();
	await until("live again", async () => (await text("#link-text")) === "live");
	expect((await page.locator("#timeline li").count()) >= before, "events are kept");
	const shown = await page.locator("#timeline li[data-kind]").evaluateAll((items) => items.map((i) => i.textContent));
	expect((await event("release", "r2", "retired").count()) === 1, `no event twice: ${shown.join(" | ")}`);
});

await check("both themes and the switch", async () => {
	const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = await ground();
	await page.emulateMedia({ colorScheme: "dark" });
	await until("dark, as the system", async () => (await ground()) !== light);
	const dark = await ground();
	await picture("dark");
	await page.click("#theme");
	await until("light by the switch", async () => (await ground()) === light);
	await page.reload();
	await until("light after a reload", async () => (await ground()) === light);
	await page.click("#theme");
	await until("dark by the switch", async () => (await ground()) === dark);
});

for (const colorScheme of ["light", "dark"]) {
	await check(`a phone ${colorScheme}`, async () => {
		const phone = await open(line.url + "/", { viewport: { width: 375, height: 812 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme });
		await until("two points", async () => (await phone.page.locator("#rate-plot .line.accent").getAttribute("d"))?.includes("L"));
		await until("workers", async () => (await phone.page.locator("#workers tbody tr").count()) > 0);
		const [is, may] = await phone.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
		expect(is <= may, `the page is ${is} pixels wide on a screen of ${may}`);
		await picture(`phone-${colorScheme}`, phone.page);
		await phone.page.tap("#swap");
		await phone.page.locator("#swap-path").waitFor();
		const box = await phone.page.locator("#order").boundingBox();
		expect(box.x >= 0 && box.x + box.width <= 375, `the dialog is inside: ${JSON.stringify(box)}`);
		await picture(`phone-dialog-${colorScheme}`, phone.page, false);
		phone.clean();
		await phone.context.close();
	});
}

await check("it fits every width", async () => {
	const { page: wide, context, clean: fine } = await open(line.url + "/", {});
	await until("workers", async () => (await wide.locator("#workers tbody tr").count()) > 0);
	for (const width of [320, 640, 641, 768, 1024, 1181, 1280, 1920]) {
		await wide.setViewportSize({ width, height: 800 });
		const over = await wide.evaluate(() => [document.documentElement, ...document.querySelectorAll(".panel, .rows, .tiles, .bar")]
			.filter((e) => e.scrollWidth > e.clientWidth).map((e) => `${e.tagName} ${e.className} ${e.parentElement?.id} ${e.scrollWidth} > ${e.clientWidth}`));
		expect(over.length === 0, `${width} pixels: ${over.join("; ")}`);
	}
	fine();
	await context.close();
});

await check("no barriers", async () => {
	const found = [];
	for (const [colorScheme, viewport] of [["light", { width: 1440, height: 900 }], ["dark", { width: 375, height: 812 }]]) {
		const { page: audited, context } = await open(line.url + "/", { colorScheme, viewport, bypassCSP: true, reducedMotion: "reduce" });
		await until("figures", async () => number(await audited.locator('[data-tile="requests / s"] dd').textContent()) > 0);
		found.push(...await barriers(audited));
		await audited.click("#swap");
		found.push(...await barriers(audited));
		await context.close();
	}
	expect(found.length === 0, [...new Set(found)].join("\n"));
});

await check("a token is asked for and kept", async () => {
	const guarded = await open(input.closed + "/", { viewport: { width: 1000, height: 700 } }, [/status of 401/]);
	await guarded.page.locator("#token-input").waitFor();
	await guarded.page.fill("#token-input", "x".repeat(32));
	await guarded.page.keyboard.press("Enter");
	await until("another token is refused", async () => /does not know/.test(await guarded.page.locator("#token-problem").textContent()));
	await picture("token", guarded.page, false);
	await guarded.page.fill("#token-input", input.token);
	await guarded.page.keyboard.press("Enter");
	const live = () => until("live", async () => (await guarded.page.locator("#link-text").textContent()) === "live");
	await live();
	await guarded.page.reload();
	await live();
	expect(!(await guarded.page.locator("#token").isVisible()), "it is not asked for again");
	expect(!(await guarded.page.content()).includes(input.token), "it is nowhere in the page");
	guarded.clean();
	await guarded.context.close();
});

await check("nothing was wrong all the while", async () => {
	expect(browser.isConnected(), "the browser lives");
	clean();
});

await page.context().close();
line.close();
await finish();
