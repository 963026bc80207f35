// Seconds that go by, for tasks that are not over. One clock for all of them.

import { h } from "./dom.js";
import { duration } from "./text.js";

const running = new Set();

/** An element that counts the time since `startMs` (Unix) for as long as it is on the page. */
export function ticking(startMs) {
  const element = h("span", { class: "elapsed", "aria-hidden": "true" });
  running.add({ element, startMs });
  write({ element, startMs });
  return element;
}

const write = ({ element, startMs }) => (element.textContent = ` · ${duration((Date.now() - startMs) / 1000)}`);

setInterval(() => {
  for (const one of running) {
    if (one.element.isConnected) write(one);
    else running.delete(one);
  }
}, 1000);
