// Figures as people read them; "–" stands for what is unknown.

const none = "–";

/** A number with three significant digits at most: 0.4, 38, 1.24k, 61.3k. */
export function count(n) {
	if (!Number.isFinite(n)) return none;
	for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
		if (n >= size * 0.9995) return digits(n / size) + unit;
	}
	return n >= 99.95 || Number.isInteger(n) ? String(Math.round(n)) : digits(n);
}

function digits(n) {
	return n.toFixed(n >= 99.95 ? 0 : n >= 9.995 ? 1 : n >= 0.0995 || n === 0 ? 2 : 3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** Nanoseconds. */
export function duration(ns) {
	if (!Number.isFinite(ns)) return none;
	if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
	if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
	return `${digits(ns / 1e9)} s`;
}

export function bytes(n) {
	if (!Number.isFinite(n)) return none;
	for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
		if (n >= size) return `${digits(n / size)} ${unit}`;
	}
	return `${Math.round(n)} B`;
}

/** How long ago a time was, in the two largest units. */
export function age(time, now = Date.now()) {
	const at = Date.parse(time);
	if (!Number.isFinite(at)) return none;
	const s = Math.max(0, Math.floor((now - at) / 1000));
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
	if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
	return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function clock(time) {
	const at = new Date(time);
	return Number.isNaN(at.getTime()) ? none : at.toLocaleTimeString([], { hour12: false });
}

export function percent(part, whole) {
	return whole > 0 ? `${(100 * part / whole).toFixed(part === whole || part === 0 ? 0 : 1)} %` : none;
}
