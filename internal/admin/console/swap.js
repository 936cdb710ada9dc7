// The form of a swap: a program, and its arguments one on a line, so that nothing has to be quoted.

import { order } from "./api.js";
import { el } from "./dom.js";
import { confirm } from "./orders.js";

export function swap(active) {
	const [program = "", ...before] = active?.command ?? [];
	const path = el("input", { id: "swap-path", type: "text", required: true, spellcheck: "false", autocomplete: "off", pattern: "/.*", title: "an absolute path", value: program });
	const keep = el("input", { id: "swap-keep", type: "checkbox", checked: true });
	const args = el("textarea", { id: "swap-args", rows: "3", spellcheck: "false", disabled: true }, before.join("\n"));
	keep.addEventListener("change", () => { args.disabled = keep.checked; });
	confirm({
		title: "Swap the worker",
		text: "The new build is started beside the one that serves, and gets all requests in one step once it is ready. If it fails, the old one serves on.",
		fields: [
			el("label", { class: "field" }, "Program", path),
			el("label", { class: "check" }, keep, "with the arguments of the release that serves"),
			el("label", { class: "field" }, "Arguments, one on a line", args),
		],
		focus: path,
		action: "Swap",
		done: "The new release is active.",
		run: (step) => order("/swap", { program: path.value, args: keep.checked ? null : args.value.split("\n").filter((line) => line !== "") }, step),
	});
	path.select();
}
