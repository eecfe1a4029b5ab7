// Solves a challenge: finds the number that was hashed with the salt. In small pieces, so that the page goes on
// answering. Of its own, since browsers have a digest for pages with TLS only.

const K = [];
const START = [];
for (let n = 2; START.length < 8 || K.length < 64; n++) {
  if ([...K.keys()].some((i) => K[i].prime <= Math.sqrt(n) && n % K[i].prime === 0)) continue;
  const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  if (START.length < 8) START.push(fraction(Math.sqrt(n)));
  K.push({ prime: n, word: fraction(Math.cbrt(n)) });
}
const WORDS = K.map(({ word }) => word);

// SHA-256 (FIPS 180-4) of a text in ASCII, in hexadecimal.
export function sha256(text) {
  const length = text.length;
  const blocks = new Int32Array(((length + 8 >> 6) + 1) * 16);
  for (let i = 0; i < length; i++) blocks[i >> 2] |= text.charCodeAt(i) << 24 - i % 4 * 8;
  blocks[length >> 2] |= 0x80 << 24 - length % 4 * 8;
  blocks[blocks.length - 1] = length * 8;
  const state = [...START];
  const w = new Int32Array(64);
  const turn = (x, n) => x >>> n | x << 32 - n;
  for (let at = 0; at < blocks.length; at += 16) {
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = blocks[at + i];
      else {
        const [x, y] = [w[i - 15], w[i - 2]];
        w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10);
      }
      const t = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + WORDS[i] + w[i] | 0;
      const s = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c);
      [h, g, f, e, d, c, b, a] = [g, f, e, d + t | 0, c, b, a, t + s | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = state[i] + word | 0; });
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

// What a registration sends as its proof.
export async function solve({ algorithm, challenge, maxnumber, salt, signature }) {
  for (let number = 0; number <= maxnumber; number++) {
    if (sha256(salt + number) === challenge) return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
    if (number % 1000 === 999) await new Promise((resume) => setTimeout(resume));
  }
  throw new Error('the challenge has no solution');
}
