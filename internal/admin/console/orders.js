// Orders: what will happen, a confirmation, the steps as they come, and how it ended.

import { $, el, setText } from "./dom.js";

let running = null; // the order whose steps the dialog shows

/**
 * Opens the dialog. run(step) gives the order and settles with its outcome; what it throws is why it failed. fields are elements
 * that are filled in before, focus the one that is first.
 */
export function confirm({ title, text, fields = [], focus, action, done, run, left }) {
	const dialog = $("order"), act = $("order-do"), close = $("order-close"), steps = $("order-steps"), verdict = $("order-outcome");
	const mine = {};
	running = mine;
	let begun = false;
	setText($("order-title"), title);
	setText($("order-text"), text);
	$("order-fields").replaceChildren(...fields);
	steps.replaceChildren();
	steps.hidden = verdict.hidden = true;
	act.hidden = false;
	setText(act, action);
	setText(close, "Cancel");
	const step = (words) => {
		if (running !== mine) return;
		steps.hidden = false;
		steps.append(el("li", {}, words));
		steps.lastElementChild.scrollIntoView({ block: "nearest" });
	};
	const end = (good, words) => {
		setText($("outcome"), `${title}: ${words}`);
		notice(good || running === mine ? "" : `${title}: ${words}`);
		if (running !== mine) return;
		verdict.hidden = false;
		verdict.className = good ? "verdict good" : "verdict bad";
		setText(verdict, good ? words : `Failed: ${words}`);
		steps.classList.remove("busy");
		setText(close, "Close");
		close.focus();
	};
	dialog.querySelector("form").onsubmit = async (event) => {
		event.preventDefault();
		if (begun) return;
		begun = true;
		act.hidden = true;
		setText(close, "Close; it goes on");
		close.focus();
		for (const field of $("order-fields").querySelectorAll("input, textarea")) field.disabled = true;
		steps.classList.add("busy");
		try {
			const told = await run(step);
			end(true, told ?? done);
		} catch (problem) {
			end(false, problem instanceof TypeError ? `The gateway does not answer (${problem.message}).` : problem.message);
		}
	};
	close.onclick = () => dialog.close();
	dialog.onclose = () => {
		if (dialog.open) return; // it is told late of the end of the order before
		if (!begun) left?.();
		if (running === mine) running = null;
	};
	dialog.showModal();
	(focus ?? (fields.length > 0 ? fields[0] : act)).focus();
}

/** Shows what went wrong after its dialog was closed; "" takes that away. */
function notice(text) {
	const node = $("notice");
	setText(node, text);
	node.hidden = text === "";
}
