// SHA-256 of a text, as hex: the signature of a request needs it. The browser's own is there only
// on https and localhost, and a test server often is neither; so this one serves everywhere.

const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) {
  if (PRIMES.every((p) => n % p)) PRIMES.push(n);
}
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const START = PRIMES.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const ROUNDS = PRIMES.map((p) => fraction(Math.cbrt(p)));
const rotated = (word, bits) => (word >>> bits) | (word << (32 - bits));

export function sha256(text) {
  const message = new TextEncoder().encode(text);
  const blocks = Math.ceil((message.length + 9) / 64);
  const padded = new DataView(new ArrayBuffer(blocks * 64));
  message.forEach((byte, at) => padded.setUint8(at, byte));
  padded.setUint8(message.length, 0x80);
  padded.setBigUint64(blocks * 64 - 8, BigInt(message.length) * 8n);
  let state = START;
  for (let block = 0; block < blocks; block++) state = compressed(state, padded, block * 64);
  return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function compressed(state, padded, at) {
  const words = [];
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    words[i] = i < 16 ? padded.getInt32(at + i * 4) : expanded(words, i);
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) | 0);
}

function expanded(words, i) {
  const w15 = words[i - 15];
  const w2 = words[i - 2];
  const s0 = rotated(w15, 7) ^ rotated(w15, 18) ^ (w15 >>> 3);
  const s1 = rotated(w2, 17) ^ rotated(w2, 19) ^ (w2 >>> 10);
  return (words[i - 16] + s0 + words[i - 7] + s1) | 0;
}
