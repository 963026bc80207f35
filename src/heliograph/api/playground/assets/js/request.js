// The request that the form describes: kept here, told to whoever listens, and never holding a key.

import { modesOf, outerFieldsOf } from "./schema.js";

const DRAFT = "heliograph-draft";
const LONGEST_KEPT = 1_000_000;

export class Request extends EventTarget {
  /** `schemas` are those of all models; the first is chosen. */
  constructor(schemas) {
    super();
    this.models = schemas.map((schema) => ({
      id: schema.model_id,
      title: schema.title,
      pricing: schema.pricing,
      modes: modesOf(schema),
      outer: outerFieldsOf(schema),
    }));
    this.model = this.models[0];
    this.mode = this.model.modes[0];
    this.values = {};
    this.unknown = { outer: {}, input: {} };
  }

  get fields() {
    return [...this.mode.fields, ...this.model.outer];
  }

  /** The value of a field as it goes out: what does not suit the mode is replaced by its default. */
  value(field) {
    const value = this.values[field.path];
    if (value === undefined || (field.options && !field.options.includes(value))) return field.initial;
    return value;
  }

  set(field, value) {
    this.values[field.path] = value;
    this.changed("form");
  }

  chooseMode(name) {
    this.mode = this.model.modes.find((mode) => mode.name === name) ?? this.mode;
    this.changed("mode");
  }

  chooseModel(id) {
    this.model = this.models.find((model) => model.id === id) ?? this.model;
    this.chooseMode(this.mode.name);
    if (!this.model.modes.includes(this.mode)) this.chooseMode(this.model.modes[0].name);
  }

  /** The body of generateTask, in the order of the schema, without what is empty. */
  get body() {
    const input = { mode: this.mode.name };
    const outer = { request_type: this.values.callback_url ? "callback" : "async" };
    for (const field of this.mode.fields) put(input, field, this.value(field));
    for (const field of this.model.outer) put(outer, field, this.value(field));
    return { ...outer, ...this.unknown.outer, input: { ...input, ...this.unknown.input } };
  }

  /** Take over a whole body. Throws an Error with the key of a message when it is none. */
  take(body, model, why = "body") {
    const input = body?.input;
    if (typeof input !== "object" || input === null || Array.isArray(input)) throw new Error("json.no-input");
    const chosen = this.models.find((one) => one.id === (model ?? this.model.id)) ?? this.model;
    const mode = chosen.modes.find((one) => one.name === input.mode);
    if (!mode) throw new Error("json.no-mode");
    [this.model, this.mode] = [chosen, mode];
    const inner = chosen.modes.flatMap((one) => one.fields);
    this.values = Object.fromEntries([
      ...inner.map((field) => [field.path, input[field.name] ?? undefined]),
      ...chosen.outer.map((field) => [field.path, body[field.name] ?? undefined]),
    ]);
    this.unknown = {
      outer: without(body, ["input", "request_type", ...chosen.outer.map((field) => field.name)]),
      input: without(input, ["mode", ...inner.map((field) => field.name)]),
    };
    this.changed(why);
  }

  changed(why) {
    keep({ model: this.model.id, body: this.body });
    this.dispatchEvent(new CustomEvent("change", { detail: why }));
  }

  /** Take up what was in the form before this tab was loaded anew. */
  restore() {
    try {
      const { model, body } = JSON.parse(sessionStorage.getItem(DRAFT));
      this.take(body, model);
    } catch {
      // There was nothing, or something of another version of the page.
    }
  }
}

function put(target, field, value) {
  if (value === null || value === undefined || value === "") return;
  if (!Array.isArray(value) || value.length) target[field.name] = value;
}

const without = (object, names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

function keep(draft) {
  const text = JSON.stringify(draft);
  if (text.length < LONGEST_KEPT) sessionStorage.setItem(DRAFT, text);
}
