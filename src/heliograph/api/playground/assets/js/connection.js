// Whether the server can be reached. When it cannot, the page says so and looks until it can again.

import * as api from "./api.js";
import { find } from "./dom.js";
import { announce, t } from "./text.js";

const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 15000;
let looking = null;

document.addEventListener("offline-seen", () => online());

/** Resolves when the server answers. */
export function online() {
  looking ??= look().finally(() => (looking = null));
  return looking;
}

async function look() {
  let wait = FIRST_LOOK_MS;
  while (!(await api.isAlive())) {
    say(true);
    await new Promise((resolve) => {
      setTimeout(resolve, wait);
      addEventListener("online", resolve, { once: true });
    });
    wait = Math.min(wait * 1.5, LONGEST_LOOK_MS);
  }
  say(false);
}

function say(away) {
  const banner = find("#offline");
  if (banner.hidden === !away) return;
  banner.hidden = !away;
  announce(t(away ? "offline.title" : "offline.over"));
  if (!away) document.dispatchEvent(new CustomEvent("online-again"));
}
