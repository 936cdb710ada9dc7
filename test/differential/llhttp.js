// Node's HTTP parser (llhttp, strict) as a filter: reads streams, writes what it makes of each message. The form is that
// of native/test/verdict_out.h. With the argument "response" a stream is one of answers and begins with
// 1 if it ends with its last byte, the number of final answers (one byte), and for each 1 if it answers HEAD.
'use strict';
const fs = require('fs');
const { HTTPParser, methods, allMethods } = process.binding('http_parser');
const names = allMethods || methods.concat('PRI'); // Node 18 leaves out the one after the last
const answers = process.argv[2] === 'response';
// Before version 9 it has to be told that 304 has no body, and to begin anew behind what has none: it keeps the length.
const forgetful = parseInt(process.versions.llhttp, 10) < 9;
const parser = new HTTPParser();

let messages; // of the running stream
let open; // the one of them that is not complete
let finals; // answers to HEAD or not, those still to come

parser[HTTPParser.kOnMessageBegin | 0] = () => {
  open = { head: null, early: [], url: '', trailers: [], data: [], length: 0, complete: false, headEnd: 0 };
  messages.push(open);
};
parser[HTTPParser.kOnHeaders | 0] = (list, url) => {
  if (open.head) open.trailers.push(...list);
  else { open.early.push(...list); open.url += url; }
};
parser[HTTPParser.kOnHeadersComplete | 0] =
  (major, minor, list, method, url, status, message, upgrade, keep) => {
    open.head = { major, minor, list: open.early.concat(list || []), method: answers ? message : names[method],
      url: url === undefined ? open.url : url, status: status || 0, upgrade, keep };
    if (!answers || (status >= 100 && status <= 199)) return 0;
    if (!finals.shift() && !(forgetful && status === 304)) return 0;
    // The parser has not known that no body follows, when it said whether the connection goes on.
    open.head.keep = !/close/i.test(valueOf(open.head.list, 'connection'));
    open.bodiless = true;
    return 1;
  };
parser[HTTPParser.kOnBody | 0] = (chunk, offset, length) => {
  const data = offset === undefined ? Buffer.from(chunk) : Buffer.from(chunk.subarray(offset, offset + length));
  open.data.push(data);
  open.length += data.length;
};
parser[HTTPParser.kOnMessageComplete | 0] = () => { open.complete = true; };

function valueOf(list, name) {
  for (let i = list.length - 2; i >= 0; i -= 2) {
    if (list[i].toLowerCase() === name) return list[i + 1];
  }
  return '';
}

function isChunked(message) {
  return /chunked[ \t]*$/i.test(valueOf(message.head.list, 'transfer-encoding'));
}

// The binding does not say where in its input a message ends. So it gets the stream in pieces that end where a head or a
// chunked body may; the others end as many bytes after their head as their body has.
function pieceEnd(input, at) {
  while (at < input.length && input[at] !== 10 && !(at > 0 && input[at - 1] === 13)) at++;
  return Math.min(at + 1, input.length);
}

function initialize() {
  parser.initialize(answers ? HTTPParser.RESPONSE : HTTPParser.REQUEST, {}, 65536, HTTPParser.kLenientNone);
}

function verdicts(input, eof) {
  initialize();
  messages = [];
  open = null;
  const done = [];
  let start = 0;
  let error = null;
  let from = 0;
  const notice = (end) => { // what the events of the last piece mean
    for (; done.length < messages.length; done.push(messages[done.length])) {
      const message = messages[done.length];
      if (!message.head) return;
      if (message.headEnd === 0) message.headEnd = end;
      if (!message.complete) return;
      message.used = (isChunked(message) ? end : message.headEnd + message.length) - start;
      start += message.used;
    }
  };
  while (from < input.length && !error && !(done.length > 0 && !done[done.length - 1].head.keep)) {
    const end = pieceEnd(input, from);
    const result = parser.execute(input.subarray(from, end));
    if (result instanceof Error) error = result.code;
    // It stops behind a message that asks for an upgrade, and where it has found an error that it then does not tell.
    const stopped = !error && result < end - from;
    const before = done.length;
    from = stopped ? from + result : end;
    notice(from);
    if (stopped && done.length === before) error = 'UPGRADE';
    if (forgetful && done.length > before && done[done.length - 1].bodiless) initialize();
  }
  if (eof && !error) {
    parser.finish(); // an error says that it is not complete
    notice(input.length);
  }
  let text = '';
  let count = 0;
  for (const message of done) {
    text += verdict(message, '');
    count++;
    if (!message.head.keep) return number(count) + text;
  }
  const last = messages.length > done.length ? messages[done.length] : null;
  if (last && last.head) {
    text += verdict(last, error);
    count++;
  } else if (error || start < input.length) {
    const unknown = error === 'UPGRADE';
    text += (error && !unknown ? 'r ' : 'm ') + String.fromCharCode(0, unknown ? 1 : 0, 0, 0) + number(0) + number(0) +
      counted(error || '') + counted('') + counted('') + counted('') + counted('') + number(0) + number(0);
    count++;
  }
  return number(count) + text;
}

function verdict(message, error) {
  const head = message.head;
  const unknown = error === 'UPGRADE';
  return 'a' + (message.complete ? 'a' : error && !unknown ? 'r' : 'm') +
    String.fromCharCode(head.keep ? 1 : 0, head.upgrade || unknown ? 1 : 0, head.major, head.minor) +
    number(head.status) + number(message.complete ? message.used : 0) + counted(error || '') +
    counted(head.method || '') + counted(head.url || '') + counted('') +
    counted(message.complete || answers ? Buffer.concat(message.data).latin1Slice() : '') +
    pairs(head.list) + pairs(message.complete ? message.trailers : []);
}

function number(n) {
  return String.fromCharCode(n & 255, n >> 8 & 255, n >> 16 & 255, n >>> 24);
}

function counted(text) {
  return number(text.length) + text;
}

function pairs(list) {
  let text = number(list.length >> 1);
  for (const one of list) text += counted(one);
  return text;
}

function record(input) {
  let text;
  if (answers) {
    const count = input[1];
    finals = Array.from(input.subarray(2, 2 + count), (flag) => flag === 1);
    text = verdicts(input.subarray(2 + count), input[0] === 1);
  } else {
    text = verdicts(input, false);
  }
  return counted(text + counted(''));
}

function write(bytes) {
  for (let done = 0; done < bytes.length;) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function main() {
  let pending = Buffer.alloc(0);
  const chunk = Buffer.alloc(1 << 20);
  let records = [];
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
        write(Buffer.from(records.join(''), 'latin1'));
        records = [];
        continue;
      }
      if (pending.length - at - 4 < length) break;
      records.push(record(pending.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    pending = Buffer.from(pending.subarray(at));
  }
}

main();
