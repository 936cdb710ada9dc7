// Asks for the token of the admin server. Whoever asks meanwhile waits for the same answer.

import { $ } from "./dom.js";

let asked = null;

export function askToken(problem) {
	asked ??= ask(problem).finally(() => { asked = null; });
	return asked;
}

function ask(problem) {
	const dialog = $("token"), input = $("token-input");
	$("token-problem").textContent = problem;
	$("token-problem").hidden = !problem;
	input.value = "";
	return new Promise((resolve) => {
		const form = dialog.querySelector("form");
		const stay = (event) => event.preventDefault(); // nothing can be shown without it
		const enter = (event) => {
			event.preventDefault();
			form.removeEventListener("submit", enter);
			dialog.removeEventListener("cancel", stay);
			dialog.close();
			const value = input.value.trim();
			input.value = "";
			resolve(value);
		};
		form.addEventListener("submit", enter);
		dialog.addEventListener("cancel", stay);
		dialog.showModal();
		input.focus();
	});
}
