// The two pairs of views: the request as a form or as JSON, and the pictures or the code beside it.

import { find, findAll } from "./dom.js";
import { tabs } from "./tabs.js";

export function startPanels() {
  for (const list of findAll("[data-tabs]")) {
    const buttons = findAll("[role=tab]", list);
    tabs(buttons, (chosen) => {
      for (const button of buttons) find(`#${button.getAttribute("aria-controls")}`).hidden = button !== chosen;
    });
  }
}
