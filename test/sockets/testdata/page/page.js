// Checks the WebSockets at the query's `path`, in a browser, and tells `report` what was wrong; then goes on with the page at `next`.
// `farewell` is a path whose socket is closed by the server, with 4123 and "that is all".
const query = new URLSearchParams(location.search);
const sizes = [0, 1, 125, 126, 127, 4095, 65535, 65536, 65537, 1 << 20];

const bytes = (size) => new Uint8Array(size).map((_, i) => (i * 7 + size) & 0xff);
const words = (size) => "aé€😀".repeat(Math.ceil(size / 10)).slice(0, size); // 1 to 4 bytes a character
const same = (a, b) => (typeof a === "string" ? a === b : a.byteLength === b.byteLength && new Uint8Array(a).every((v, i) => v === b[i]));

const opened = (path) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://${location.host}${path}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => resolve(socket);
  socket.onclose = (event) => reject(new Error(`${path}: not opened, ${event.code}`));
});

/** Sends each of messages and closes when all have come back; resolves with the close event. */
const echoed = (socket, messages, code, reason) => new Promise((resolve, reject) => {
  const path = socket.url;
  let next = 0;
  socket.onmessage = ({ data }) => {
    if (!same(data, messages[next])) reject(new Error(`${path}: message ${next} of ${messages.length} came back as ${data.length ?? data.byteLength} others`));
    if (++next === messages.length) socket.close(code, reason);
  };
  socket.onclose = (event) => {
    if (next === messages.length) resolve(event);
    else reject(new Error(`${path}: closed with ${event.code} after ${next} of ${messages.length} messages`));
  };
  messages.forEach((message) => socket.send(message));
});

const expectClose = (event, code, reason) => {
  if (event.code !== code || !event.wasClean || (reason !== undefined && event.reason !== reason)) {
    throw new Error(`closed with ${event.code} ${JSON.stringify(event.reason)}, clean: ${event.wasClean}; expected ${code} ${JSON.stringify(reason)}`);
  }
};

const checks = async (path) => {
  expectClose(await echoed(await opened(path), sizes.map(bytes), 1000, ""), 1000);
  expectClose(await echoed(await opened(path), sizes.map(words), 4999, "genug für heute"), 4999);
  const crowd = [];
  while (crowd.length < 100) { // the more are opening at a time, the longer Chromium holds each back
    crowd.push(...await Promise.all(Array.from({ length: 5 }, () => opened(path))));
  }
  const ends = await Promise.all(crowd.map((socket, i) => echoed(socket, [`${i}`, bytes(i), words(1000 + i)], 3000 + i, `${i}`)));
  ends.forEach((event, i) => expectClose(event, 3000 + i));
  if (query.get("farewell")) {
    const event = await new Promise((resolve) => { new WebSocket(`ws://${location.host}${query.get("farewell")}`).onclose = resolve; });
    expectClose(event, 4123, "that is all");
  }
};

const tell = (text) => fetch(query.get("report"), { method: "POST", mode: "no-cors", body: `${query.get("path")}\n${text}` });

checks(query.get("path")).then(() => tell("done"), (error) => tell(String(error.stack))).then(() => {
  if (query.get("next")) location.href = query.get("next");
});
