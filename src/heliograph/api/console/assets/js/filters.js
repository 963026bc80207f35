// What the history is narrowed to. It stands in the address, so that it survives a reload and can be shared.

import { find, findAll, h } from "../playground/js/dom.js";
import { modeName } from "./task.js";
import { t } from "./text.js";

const STATES = ["pending", "processing", "success", "failed"];
const TYPING_MS = 300;
const NAMES = ["q", "state", "mode", "from", "to", "batch"];

export class Filters {
  /** `changed(query)` is called when a person chose something else. */
  constructor(changed) {
    const choice = (name, options) =>
      h("label", { class: "choice" }, h("span", { class: "unseen" }, t(`filter.${name}`)), h("select", { name }, new Option(t(`filter.${name}.any`), ""), options));
    const date = (name) => h("label", { class: "date" }, h("span", {}, t(`filter.${name}`)), h("input", { type: "date", name }));
    const search = h("input", { type: "search", name: "q", placeholder: t("search"), "aria-label": t("search"), autocomplete: "off" });
    this.clear = h("button", { type: "button", class: "button ghost", onclick: () => this.#clear() }, t("filter.clear"));
    this.batch = h("input", { type: "hidden", name: "batch" });
    this.element = h(
      "form",
      { class: "filters", role: "search", "aria-label": t("filters"), onsubmit: (event) => event.preventDefault() },
      search,
      choice("state", STATES.map((state) => new Option(t(`state.${state}`), state))),
      choice("mode", []),
      h("div", { class: "dates" }, date("from"), date("to")),
      this.batch,
      this.clear,
    );
    this.changed = changed;
    search.addEventListener("input", () => this.#typed());
    this.element.addEventListener("change", (event) => event.target !== search && this.#tell());
  }

  modes(names) {
    find("[name=mode]", this.element).append(...names.map((name) => new Option(modeName(name), name)));
    this.take(this.wanted ?? {});
  }

  /** Show what `query` says. */
  take(query) {
    this.wanted = query;
    for (const name of NAMES) find(`[name=${name}]`, this.element).value = query[name] ?? "";
    this.clear.hidden = !NAMES.some((name) => query[name]);
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#tell(), TYPING_MS);
  }

  #tell() {
    const inputs = findAll("[name]", this.element);
    const query = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]).filter(([, value]) => value));
    this.take(query);
    this.changed(query);
  }

  #clear() {
    this.take({});
    this.changed({});
    find("[name=q]", this.element).focus();
  }
}

/** The query of the service for what a person chose: days become moments, the last one included. */
export function asked({ q, state, mode, from, to, batch }) {
  const start = from && new Date(`${from}T00:00`);
  const end = to && new Date(`${to}T00:00`);
  if (end) end.setDate(end.getDate() + 1);
  const query = { q, state, mode, batchId: batch, createdAfter: start && Number(start), createdBefore: end && Number(end) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value || value === 0));
}
