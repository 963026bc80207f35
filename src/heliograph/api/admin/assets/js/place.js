// Where in these pages one is: in the part of the address that no server sees, so that links and "back" work.

/** `{view, id, query}` of an address such as `#/accounts?q=shop` or `#/accounts/acc_7`. */
export function placeOf(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [section, id = null] = path.split("/").map(decodeURIComponent);
  const view = section === "accounts" && id ? "account" : section || "accounts";
  return { view, id, query: Object.fromEntries(new URLSearchParams(query)) };
}
