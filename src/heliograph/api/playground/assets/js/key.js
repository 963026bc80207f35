// The API key: for this tab, or for this browser when its owner says so. It never stands in an address.

const NAME = "heliograph-key";

export const readKey = () => sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);

export function keepKey(key, remember) {
  forgetKey();
  (remember ? localStorage : sessionStorage).setItem(NAME, key);
}

export function forgetKey() {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** The key as it may be shown: its kind, and dots. */
export const masked = (key) => `${/^hg_(live|test)_/.exec(key ?? "hg_live_")?.[0] ?? ""}${"•".repeat(8)}`;
