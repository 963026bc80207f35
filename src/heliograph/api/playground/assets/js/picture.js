// What the head of a picture file says, before it is sent anywhere: format, sides, transparency. Pure.

const HEAD_BYTES = 1 << 20;

/** `{format, width, height, alpha, animated}` of a file; format is null for what is none of the four. */
export async function inspect(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const view = new DataView(bytes.buffer);
  try {
    if (starts(bytes, [0x89, 0x50, 0x4e, 0x47])) return png(bytes, view);
    if (starts(bytes, [0xff, 0xd8])) return jpeg(view);
    if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 4) === "WEBP") return webp(bytes, view);
    if (ascii(bytes, 0, 2) === "BM") return found("BMP", view.getInt32(18, true), Math.abs(view.getInt32(22, true)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return found(null, 0, 0);
}

/** What is wrong with a picture for these limits: the key of a message and its values, or null. */
export function problemOf(header, bytes, limits) {
  const { min_reference_side_px: least, max_reference_side_px: most, max_reference_bytes: weight } = limits;
  if (!limits.reference_formats.includes(header.format)) return ["picture.format", {}];
  if (header.animated) return ["picture.animated", {}];
  if (header.alpha) return ["picture.alpha", {}];
  const sides = { width: header.width, height: header.height, least, most };
  if (Math.min(header.width, header.height) < least) return ["picture.small", sides];
  if (Math.max(header.width, header.height) > most) return ["picture.large", sides];
  return bytes > weight ? ["picture.heavy", { most: Math.floor(weight / (1 << 20)) }] : null;
}

const found = (format, width, height, alpha = false, animated = false) => ({ format, width, height, alpha, animated });
const starts = (bytes, head) => head.every((byte, index) => bytes[index] === byte);
const ascii = (bytes, at, count) => String.fromCharCode(...bytes.slice(at, at + count));

function png(bytes, view) {
  const colour = bytes[25];
  let [alpha, animated] = [colour === 4 || colour === 6, false];
  for (let at = 33; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const kind = ascii(bytes, at + 4, 4);
    if (kind === "IDAT") break;
    alpha ||= kind === "tRNS";
    animated ||= kind === "acTL";
  }
  return found("PNG", view.getUint32(16), view.getUint32(20), alpha, animated);
}

function jpeg(view) {
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return found("JPEG", view.getUint16(at + 7), view.getUint16(at + 5));
  }
}

function webp(bytes, view) {
  const kind = ascii(bytes, 12, 4);
  if (kind === "VP8 ") return found("WEBP", view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return found("WEBP", (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1, Boolean((bits >> 28) & 1));
  }
  const side = (at) => 1 + view.getUint16(at, true) + (bytes[at + 2] << 16);
  return found("WEBP", side(24), side(27), Boolean(bytes[20] & 0x10), Boolean(bytes[20] & 0x02));
}

/** The picture drawn anew so that it fits: without transparency, within the sides, as JPEG. */
export async function mend(file, limits) {
  const bitmap = await createImageBitmap(file);
  const { min_reference_side_px: least, max_reference_side_px: most } = limits;
  const grown = Math.max(1, least / Math.min(bitmap.width, bitmap.height));
  const scale = Math.min(grown, most / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
}
