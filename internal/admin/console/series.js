// What happened between samples: the gateway's counters only rise, so each point is a difference.

export const span = 300e3; // milliseconds that are kept

export class Series {
	constructor() {
		this.bounds = []; // of the latency histogram, in nanoseconds
		this.points = []; // oldest first; see point()
		this.last = null; // sample
	}

	/** Begins anew: another process counts from zero. */
	reset() {
		this.last = null;
	}

	/** Takes a sample and returns the point that it makes with the one before; undefined if there is none. */
	add(sample) {
		const before = this.last;
		this.last = sample;
		if (!before || sample.requests < before.requests) return undefined;
		const made = this.point(before, sample);
		if (!(made.seconds > 0)) return undefined;
		this.points.push(made);
		while (this.points.length > 0 && this.points[0].time < made.time - span) this.points.shift();
		return made;
	}

	point(a, b) {
		const time = Date.parse(b.time);
		const seconds = (time - Date.parse(a.time)) / 1000;
		const rate = (name) => Math.max(0, b[name] - a[name]) / seconds;
		const answers = {};
		for (const name of classes) answers[name] = Math.max(0, (b.answers[name] ?? 0) - (a.answers[name] ?? 0));
		const latency = b.latency.map((count, i) => Math.max(0, count - (a.latency[i] ?? 0)));
		return {
			time, seconds, answers, rate: rate("requests"), refused: rate("refused"), bytesIn: rate("bytes_in"), bytesOut: rate("bytes_out"),
			errors: answers["5xx"] / seconds, connections: b.connections, inFlight: b.in_flight, parked: b.parked,
			p50: quantile(0.5, latency, this.bounds), p99: quantile(0.99, latency, this.bounds),
		};
	}

	/** Answers by class in the last milliseconds. */
	answersWithin(within) {
		const sum = Object.fromEntries(classes.map((name) => [name, 0]));
		const from = (this.points.at(-1)?.time ?? 0) - within;
		for (const p of this.points) if (p.time > from) for (const name of classes) sum[name] += p.answers[name];
		return sum;
	}
}

export const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/** A quantile in nanoseconds, taken to be evenly spread inside its bucket; NaN of none. The last bucket has no upper bound. */
export function quantile(q, counts, bounds) {
	const total = counts.reduce((a, b) => a + b, 0);
	if (total === 0 || bounds.length === 0) return NaN;
	let below = 0;
	for (let i = 0; i < bounds.length; i++) {
		if (counts[i] > 0 && below + counts[i] >= q * total) {
			const from = i > 0 ? bounds[i - 1] : 0;
			return from + (bounds[i] - from) * (q * total - below) / counts[i];
		}
		below += counts[i];
	}
	return bounds[bounds.length - 1];
}
