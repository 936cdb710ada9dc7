// The console's arithmetic, without a browser. The modules are in the directory that is named.

import assert from "node:assert/strict";
import test from "node:test";

const { age, bytes, count, duration, percent } = await import(`${process.env.CONSOLE}/format.js`);
const { Series, quantile } = await import(`${process.env.CONSOLE}/series.js`);

test("figures", () => {
	for (const [n, want] of [[0, "0"], [0.25, "0.25"], [9.5, "9.5"], [38, "38"], [120.4, "120"], [999.9, "1k"], [1240, "1.24k"], [61300, "61.3k"], [2e6, "2M"], [NaN, "–"]]) assert.equal(count(n), want);
	for (const [ns, want] of [[250e3, "250 µs"], [1.5e6, "1.5 ms"], [12e9, "12 s"], [NaN, "–"]]) assert.equal(duration(ns), want);
	for (const [n, want] of [[0, "0 B"], [1536, "1.5 KiB"], [16 * 2 ** 20, "16 MiB"]]) assert.equal(bytes(n), want);
	for (const [s, want] of [[5, "5 s"], [65, "1 min 5 s"], [7260, "2 h 1 min"], [90000, "1 d 1 h"], [-5, "0 s"]]) assert.equal(age(new Date(1e12 - s * 1000).toISOString(), 1e12), want);
	assert.equal(age("nonsense"), "–");
	assert.equal(percent(1, 8), "12.5 %");
	assert.equal(percent(0, 0), "–");
});

test("quantiles are spread inside their bucket", () => {
	const bounds = [100, 200, 400];
	assert.equal(quantile(0.5, [2, 2, 0, 0], bounds), 100);
	assert.equal(quantile(0.75, [2, 2, 0, 0], bounds), 150);
	assert.equal(quantile(0.5, [0, 0, 4, 0], bounds), 300);
	assert.equal(quantile(0.99, [0, 0, 0, 5], bounds), 400);
	assert.ok(Number.isNaN(quantile(0.5, [0, 0, 0, 0], bounds)));
	assert.ok(Number.isNaN(quantile(0.5, [1], [])));
});

const sample = (second, requests) => ({
	time: new Date(1e12 + second * 1000).toISOString(), requests, answers: { "2xx": requests }, refused: 0, bytes_in: 0, bytes_out: 0,
	latency: [requests, 0], connections: 1, in_flight: 0, parked: 0,
});

test("points are differences, and another process makes none", () => {
	const series = new Series();
	series.bounds = [100];
	assert.equal(series.add(sample(0, 10)), undefined);
	const point = series.add(sample(2, 50));
	assert.equal(point.rate, 20);
	assert.equal(point.p50, 50);
	assert.equal(series.add(sample(3, 5)), undefined, "counters that fall");
	assert.equal(series.add(sample(4, 7)).rate, 2);
	assert.equal(series.add(sample(4, 7)), undefined, "no time has passed");
	series.reset();
	assert.equal(series.add(sample(5, 100)), undefined, "after a reset");
	assert.deepEqual(series.answersWithin(60e3), { "1xx": 0, "2xx": 42, "3xx": 0, "4xx": 0, "5xx": 0 });
});

test("five minutes are kept", () => {
	const series = new Series();
	for (let i = 0; i < 1000; i++) series.add(sample(i, i));
	assert.equal(series.points.length, 301);
});
