// A link that holds the form, in the part of an address that no browser sends to a server. Pure.

const MARK = "#form=";
const LONGEST = 16_000;

/** The address of this page with the request in it; null when it is too long, as with pictures inside. */
export function linkOf(model, body) {
  const bytes = new TextEncoder().encode(JSON.stringify({ model, body }));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const link = `${location.origin}${location.pathname}${MARK}${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  return link.length <= LONGEST ? link : null;
}

/** What the link that led here holds: `{model, body}`, or null. */
export function requestOf(hash) {
  if (!hash.startsWith(MARK)) return null;
  try {
    const text = atob(hash.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
  } catch {
    return null;
  }
}
