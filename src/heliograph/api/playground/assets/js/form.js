// The form of the model and mode that are chosen: made once for each, and kept, so that nothing is lost.

import { find, findAll, h } from "./dom.js";
import { nameOf, widgetOf } from "./fields.js";
import { length } from "./schema.js";
import { has, t } from "./text.js";

const SEEN_FIRST = new Set(["text", "ratio", "count", "pictures"]);

export class Form {
  constructor(element, request) {
    Object.assign(this, { element, request, kept: new Map(), touched: false });
    request.addEventListener("change", (event) => this.#show(event.detail));
    this.#show("mode");
  }

  #show(why) {
    const { model, mode } = this.request;
    const name = `${model.id} ${mode.name}`;
    if (!this.kept.has(name)) this.kept.set(name, this.#make(model, mode));
    const made = this.kept.get(name);
    if (made.element.parentElement !== this.element) this.element.replaceChildren(made.element);
    for (const [field, widget] of made.widgets) widget.show(this.request.value(field));
    if (why !== "form" || this.touched) this.clear();
  }

  #make(model, mode) {
    const widgets = new Map(this.request.fields.map((field) => [field, widgetOf(field, mode, (value) => this.request.set(field, value))]));
    const shown = (fields) => fields.map((field) => widgets.get(field).element);
    const [first, more] = [(field) => SEEN_FIRST.has(field.kind), (field) => !SEEN_FIRST.has(field.kind)];
    const inner = [...mode.fields].sort((one, other) => placeOf(one) - placeOf(other));
    const rest = [...inner.filter(more), ...model.outer];
    const element = h(
      "div",
      { class: "fields" },
      this.#modes(model, mode),
      shown(inner.filter(first)),
      rest.length ? h("details", { class: "more" }, h("summary", {}, t("more")), h("div", { class: "fields" }, shown(rest))) : null,
    );
    return { element, widgets };
  }

  #modes(model, mode) {
    const name = `mode-${model.id}-${mode.name}`;
    const choose = (one) => {
      this.request.chooseMode(one.name);
      find("input[data-mode]:checked", this.element).focus();
    };
    const input = (one) => h("input", { type: "radio", class: "unseen", name, "data-mode": one.name, checked: one === mode, onchange: () => choose(one) });
    const title = (one) => (has(`mode.${one.name}`) ? t(`mode.${one.name}`) : one.name);
    const labels = model.modes.map((one) => h("label", { class: "pick" }, input(one), h("span", {}, title(one))));
    // the choice itself leads to the form of the other mode, where that one is checked
    const show = () => findAll("input", modes).forEach((one) => (one.checked = one.dataset.mode === mode.name));
    const modes = h("fieldset", { class: "field", onchange: () => setTimeout(show) }, h("legend", { class: "unseen" }, t("mode")), h("div", { class: "picks segments" }, labels));
    return modes;
  }

  /** Mark what is missing and lead there; true when the request can be sent. */
  check() {
    this.clear();
    const wrong = this.request.fields.find((field) => field.required && isEmpty(this.request.value(field)));
    if (wrong) this.refuse(wrong.path, has(`missing.${wrong.name}`) ? t(`missing.${wrong.name}`) : t("missing", { field: nameOf(wrong) }));
    return !wrong;
  }

  /** Show a sentence at the field with this path; gives its control, or null when it is not to be seen. */
  hint(path, sentence) {
    const name = path.replace(/\[.*/, "");
    const field = findAll("[data-path]", this.element).find((one) => one.dataset.path === name);
    if (!field || this.element.hidden) return null;
    const problem = find(":scope > .problem", field);
    problem.textContent = sentence;
    problem.hidden = false;
    const control = find("textarea, input, select", field);
    control.setAttribute("aria-invalid", "true");
    this.touched = true;
    return control;
  }

  /** The same, and lead there. False when there is no such field. */
  refuse(path, sentence) {
    const control = this.hint(path, sentence);
    control?.closest("details")?.setAttribute("open", "");
    control?.focus();
    return control !== null;
  }

  clear() {
    this.touched = false;
    for (const problem of findAll(".field > .problem", this.element)) problem.hidden = true;
    for (const control of findAll("[aria-invalid]", this.element)) control.removeAttribute("aria-invalid");
  }
}

// What must be said comes first; what may be said as well, after all that is only chosen.
const ORDER = ["pictures", "ratio", "count", "text"];
const placeOf = (field) => (field.kind === "text" && field.required ? -1 : ORDER.indexOf(field.kind));
const isEmpty = (value) => (Array.isArray(value) ? !value.length : typeof value === "string" ? !length(value) : value === null);
