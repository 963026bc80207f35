// Where in the console one is: in the part of the address that no server sees, so that links and "back" work.

/** `{view, id, query}` of an address such as `#/history?state=failed` or `#/tasks/0199…`. */
export function placeOf(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, id = null] = path.split("/");
  return { view: view === "tasks" ? "task" : view || "history", id, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place; what is empty in its query is left out. */
export function hashOf(view, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value);
  return `#/${view}${kept.length ? `?${new URLSearchParams(kept)}` : ""}`;
}

/** Write another query into the address without a step in its history. */
export const rewrite = (view, query) => history.replaceState(null, "", hashOf(view, query));
