// Elements. Text goes in as text nodes only, whatever it holds.

export const $ = (id) => document.getElementById(id);

/** An element with attributes ("class", "data-x"; functions are listeners; undefined is left out) and children, elements or text. */
export function el(name, attributes = {}, ...children) {
	return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
	return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
	for (const [key, value] of Object.entries(attributes)) {
		if (typeof value === "function") node.addEventListener(key, value);
		else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.filter((child) => child !== undefined && child !== ""));
	return node;
}

/** Changes text only where it differs, so that nothing is painted or announced for nothing. */
export function setText(node, text) {
	if (node.textContent !== String(text)) node.textContent = text;
}

/**
 * A table that keeps the rows of things that stay, and with them the focus.
 * columns: {title, of(item) -> text or element, number, text}; key(item) names a row.
 */
export function table(columns, key, empty) {
	const head = el("tr", { role: "row" }, ...columns.map((c) =>
		el("th", { scope: "col", role: "columnheader", class: c.number ? "number" : undefined }, c.hidden ? el("span", { class: "unseen" }, c.title) : c.title)));
	const body = el("tbody", { role: "rowgroup" });
	const nothing = el("p", { class: "nothing", hidden: true }, empty);
	const whole = el("table", { role: "table", hidden: true }, el("thead", { role: "rowgroup" }, head), body);
	const rows = new Map();
	const update = (items) => {
		const left = new Set(rows.keys());
		let before = body.firstElementChild;
		for (const item of items) {
			const name = key(item);
			left.delete(name);
			let row = rows.get(name);
			if (!row) {
				row = el("tr", { role: "row" }, ...columns.map((c) => el("td", { role: "cell", "data-title": c.title, class: [c.number && "number", c.class].filter(Boolean).join(" ") || undefined })));
				rows.set(name, row);
			}
			columns.forEach((c, i) => put(row.children[i], c.of(item, row.children[i].firstElementChild)));
			if (row !== before) body.insertBefore(row, before);
			else before = before.nextElementSibling;
		}
		for (const name of left) {
			rows.get(name).remove();
			rows.delete(name);
		}
		nothing.hidden = items.length > 0;
		whole.hidden = items.length === 0;
	};
	return { node: el("div", { class: "rows" }, whole, nothing), update };
}

// of() may return the element that it made before, changed.
function put(cell, value) {
	if (value instanceof Node) {
		if (cell.firstChild !== value) cell.replaceChildren(value);
	} else setText(cell, value);
}
