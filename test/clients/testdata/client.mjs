// Sends the requests of a session by Node's http or fetch: node client.mjs http|fetch < session > answers
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';

const session = JSON.parse(readFileSync(0, 'utf8'));
const content = readFileSync(session.content);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const piece = 60000; // of bodies of unknown length

function* pieces(body) {
  for (let at = 0; at < body.length; at += piece) yield body.subarray(at, at + piece);
}

function stream(body) {
  const rest = pieces(body);
  return new ReadableStream({
    pull(controller) {
      const { value, done } = rest.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function setBody(answer, body) {
  answer.length = body.length;
  answer.sha256 = createHash('sha256').update(body).digest('hex');
  answer.text = body.length <= session.short ? body.toString('latin1') : '';
}

function pairs(raw) {
  const all = [];
  for (let i = 0; i < raw.length; i += 2) all.push([raw[i], raw[i + 1]]);
  return all;
}

function byHttp(request, answer) {
  return new Promise((resolve, reject) => {
    const fields = {};
    for (const [name, value] of request.fields ?? []) fields[name] = value;
    const body = request.size < 0 ? null : content.subarray(0, request.size);
    if (body && !request.chunked) fields['Content-Length'] = body.length;
    if (request.chunked) fields['Transfer-Encoding'] = 'chunked';
    if (request.trailers) fields.Trailer = request.trailers.map(([name]) => name).join(', ');
    if (request.expect) fields.Expect = '100-continue';
    const closes = fields.Connection === 'close';
    const { host, port } = session;
    const sending = http.request({ host, port, agent: closes ? false : agent, method: request.method, path: request.path, headers: fields });
    let answered = false;
    const send = () => {
      if (request.chunked) for (const part of pieces(body)) sending.write(part);
      else if (body) sending.write(body);
      answer.sent = body ? body.length : 0;
      if (request.trailers) sending.addTrailers(request.trailers);
      sending.end();
    };
    sending.on('continue', () => { answer.informed.push(100); if (request.expect) send(); });
    sending.on('information', ({ statusCode }) => { if (statusCode !== 100) answer.informed.push(statusCode); });
    sending.on('error', (error) => { if (!answered) reject(error); });
    sending.on('response', (response) => {
      answered = true;
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        answer.status = response.statusCode;
        answer.fields = pairs(response.rawHeaders);
        answer.trailers = pairs(response.rawTrailers);
        setBody(answer, Buffer.concat(parts));
        if (!sending.writableFinished) sending.destroy(); // the rest of the body is not wanted
        resolve();
      });
    });
    if (request.expect) sending.flushHeaders();
    else send();
  });
}

let dispatcher;

async function byFetch(request, answer) {
  if (!dispatcher) {
    // One connection: by default the next request may open another before the last answer is put away.
    await fetch('data:,');
    const Agent = globalThis[Symbol.for('undici.globalDispatcher.1')].constructor;
    dispatcher = new Agent({ connections: 1 });
  }
  const body = request.size < 0 ? undefined : content.subarray(0, request.size);
  const response = await fetch(`http://${session.host}:${session.port}${request.path}`, {
    method: request.method,
    headers: request.fields ?? [],
    body: request.chunked ? stream(body) : body,
    duplex: 'half',
    dispatcher,
  });
  answer.status = response.status;
  answer.fields = [...response.headers];
  setBody(answer, Buffer.from(await response.arrayBuffer()));
}

const one = process.argv[2] === 'fetch' ? byFetch : byHttp;
const answers = [];
for (const request of session.requests) {
  const answer = { informed: [], trailers: [], sent: 0 };
  try {
    await one(request, answer);
  } catch (error) {
    answer.error = `${error.message} ${error.cause ?? ''}`;
  }
  answers.push(answer);
}
console.log(JSON.stringify(answers));
agent.destroy();
