// The same request as JSON: what is written here is in the form, and the other way round.

import { find } from "./dom.js";
import { has, t } from "./text.js";

export function startJson(request) {
  const area = find("#json");
  const problem = find("#json-problem");
  const write = () => (area.value = JSON.stringify(request.body, null, 2));
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    area.toggleAttribute("aria-invalid", Boolean(text));
  };
  request.addEventListener("change", (event) => event.detail !== "json" && (write(), say("")));
  area.addEventListener("input", () => {
    try {
      request.take(JSON.parse(area.value), request.model.id, "json");
      say("");
    } catch (error) {
      say(has(error.message) ? t(error.message) : t("json.broken", { reason: error.message }));
    }
  });
  area.addEventListener("change", () => problem.hidden && write());
  write();
  /** Whether what stands here could be read. */
  return () => problem.hidden || (area.focus(), false);
}
