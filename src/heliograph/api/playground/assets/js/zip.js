// A zip file of pictures, which are compressed already and so are only put one after the other. Pure.

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// How wide each number of a head is, in bytes; `FACTS` are those of one file.
const FACTS = "2222244422";
const [LOCAL, CENTRAL, END] = [`4${FACTS}`, `42${FACTS}22244`, "42222442"];

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

// The first day that the format knows: when a picture was made stands in its task, not here.
const [NO_TIME, FIRST_DAY] = [0, 0x21];

/** The archive as a Blob. `files` are `{name, bytes}` with names in ASCII. */
export function zipOf(files) {
  const [parts, index] = [[], []];
  let at = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    const facts = [20, 0, 0, NO_TIME, FIRST_DAY, crc32(bytes), bytes.length, bytes.length, title.length, 0];
    const head = pack([0x04034b50, ...facts], LOCAL);
    index.push(pack([0x02014b50, 20, ...facts, 0, 0, 0, 0, at], CENTRAL), title);
    parts.push(head, title, bytes);
    at += head.length + title.length + bytes.length;
  }
  const length = index.reduce((sum, part) => sum + part.length, 0);
  const end = pack([0x06054b50, 0, 0, files.length, files.length, length, at, 0], END);
  return new Blob([...parts, ...index, end], { type: "application/zip" });
}

/** Numbers as little-endian bytes, each as wide as the digit at its place in `widths`. */
function pack(numbers, widths) {
  const view = new DataView(new ArrayBuffer([...widths].reduce((sum, width) => sum + Number(width), 0)));
  let at = 0;
  numbers.forEach((number, place) => {
    if (widths[place] === "4") view.setUint32(at, number, true);
    else view.setUint16(at, number, true);
    at += Number(widths[place]);
  });
  return new Uint8Array(view.buffer);
}
