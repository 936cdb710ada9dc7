// Node's HTTP parser (llhttp, strict) as a filter: the protocol is that of native/test/h1_verdict.c.
'use strict';
const fs = require('fs');
const { HTTPParser, methods, allMethods } = process.binding('http_parser');
const names = allMethods || methods.concat('PRI'); // Node 18 leaves out the one after the last

function hex(text) {
  return Buffer.from(text, 'latin1').toString('hex');
}

function pairs(list) {
  const result = [];
  for (let i = 0; i + 1 < list.length; i += 2) result.push([hex(list[i]), hex(list[i + 1])]);
  return result;
}

let current; // what the callbacks of the running parser write to

function start() {
  current = { head: null, early: [], trailers: [], data: [], complete: 0 };
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 65536, HTTPParser.kLenientNone);
  parser[HTTPParser.kOnHeaders | 0] = (list, url) => {
    if (current.complete > 0) return;
    if (current.head) current.trailers.push(...list);
    else { current.early.push(...list); current.url = url; }
  };
  parser[HTTPParser.kOnHeadersComplete | 0] =
    (major, minor, list, method, url, status, message, upgrade, keep) => {
      if (current.head) return 0;
      current.head = { major, minor, list: current.early.concat(list || []), method: names[method],
        url: url === undefined ? current.url : url, upgrade, keep };
      return 0;
    };
  parser[HTTPParser.kOnBody | 0] = (chunk, offset, length) => {
    if (current.complete > 0) return;
    current.data.push(offset === undefined ? Buffer.from(chunk) : Buffer.from(chunk.subarray(offset, offset + length)));
  };
  parser[HTTPParser.kOnMessageComplete | 0] = () => { current.complete++; };
  return parser;
}

// How many bytes the first message has: the shortest beginning of the input that completes it.
function firstLength(input) {
  const completes = (length) => {
    start().execute(input.subarray(0, length));
    return current.complete > 0;
  };
  if (!completes(input.length - 1)) return input.length;
  let low = 0; // does not complete
  let high = input.length - 1; // does
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (completes(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function verdict(input) {
  const parser = start();
  const result = parser.execute(input);
  const seen = current;
  const failed = result instanceof Error;
  const answer = { parser: 'llhttp' };
  if (!seen.head) {
    answer.head = failed ? 'reject' : 'more';
    if (failed) answer.why = result.code;
    return answer;
  }
  answer.head = 'accept';
  answer.major = seen.head.major;
  answer.minor = seen.head.minor;
  answer.keep = seen.head.keep;
  answer.upgrade = seen.head.upgrade;
  answer.method = hex(seen.head.method);
  answer.target = hex(seen.head.url);
  answer.fields = pairs(seen.head.list);
  if (seen.complete === 0) {
    answer.body = failed ? 'reject' : 'more';
    if (failed) answer.why = result.code;
    return answer;
  }
  answer.body = 'accept';
  answer.data = Buffer.concat(seen.data).toString('hex');
  answer.trailers = pairs(seen.trailers);
  answer.used = firstLength(input);
  return answer;
}

function main() {
  let pending = Buffer.alloc(0);
  const chunk = Buffer.alloc(1 << 20);
  let lines = [];
  for (;;) {
    let count;
    try {
      count = fs.readSync(0, chunk, 0, chunk.length, null);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      throw error;
    }
    if (count === 0) return;
    pending = Buffer.concat([pending, chunk.subarray(0, count)]);
    let at = 0;
    while (pending.length - at >= 4) {
      const length = pending.readUInt32LE(at);
      if (length === 0) { // the end of a batch
        at += 4;
        const text = Buffer.from(lines.join(''));
        for (let done = 0; done < text.length;) {
          try {
            done += fs.writeSync(1, text, done);
          } catch (error) {
            if (error.code !== 'EAGAIN') throw error;
          }
        }
        lines = [];
        continue;
      }
      if (pending.length - at - 4 < length) break;
      lines.push(JSON.stringify(verdict(pending.subarray(at + 4, at + 4 + length))) + '\n');
      at += 4 + length;
    }
    pending = Buffer.from(pending.subarray(at));
  }
}

main();
