// Sends messages of many sizes over a WebSocket, several at a time, and checks that each comes back; then closes.
import { createRequire } from "node:module";

// Before version 20 there is only a library: Debian's node-ws.
const WebSocket = globalThis.WebSocket ?? createRequire("/")("ws");
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20];
const socket = new WebSocket(process.argv.at(-1));
socket.binaryType = "arraybuffer";
let next = 0;

const fail = (what) => {
  console.log(what);
  process.exit(1);
};
const content = (size) => new Uint8Array(size).map((_, i) => (i * 7 + size) & 0xff);

socket.onopen = () => sizes.forEach((size) => socket.send(content(size)));
socket.onerror = (event) => fail(`error: ${event.message ?? event.type}`);
socket.onmessage = ({ data }) => {
  const want = content(sizes[next++]);
  if (Buffer.compare(Buffer.from(data), Buffer.from(want)) !== 0) fail(`message ${next} has ${data.byteLength} bytes, want ${want.length}`);
  if (next === sizes.length) socket.close(3001, "enough");
};
socket.onclose = ({ code, wasClean }) => {
  if (next !== sizes.length || code !== 3001 || !wasClean) fail(`closed after ${next} messages: ${code}, clean: ${wasClean}`);
  console.log("done");
};
