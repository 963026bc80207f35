// The fields of a key: its name, and within which limits it may be used. What is empty is no limit.

import { h } from "../playground/js/dom.js";
import { field } from "./hooks.js";
import { t } from "./text.js";

const DAY_MS = 86_400_000;
const ROUTES = ["auto", "value", "official"];

export class KeyFields {
  /** `models` are the ids of all; `key` is the one that changes, or null for a new one. */
  constructor(models, key = null) {
    const cap = (value) => h("input", { type: "number", min: 0, step: "any", inputmode: "decimal", placeholder: t("key.none"), value: value ?? "" });
    this.isNew = !key;
    this.name = h("input", { required: true, maxlength: 100, autocomplete: "off", value: key?.name ?? "" });
    this.kind = h("select", {}, [new Option(t("key.live"), ""), new Option(t("key.test"), "test")]);
    this.routing = h("select", {}, ROUTES.map((route) => new Option(t(`route.${route}`), route)));
    this.monthly = cap(key?.monthlyCap);
    this.total = cap(key?.totalCap);
    this.models = models.map((model) => h("input", { type: "checkbox", value: model, checked: key?.models?.includes(model) ?? false }));
    this.networks = h("textarea", { rows: 2, spellcheck: "false", autocomplete: "off", placeholder: "203.0.113.0/24", value: (key?.networks ?? []).join("\n") });
    this.until = h("input", { type: "date", min: dayOf(Date.now() + DAY_MS), value: key?.expiresTime ? dayOf(key.expiresTime) : "" });
    this.untilBefore = this.until.value;
  }

  get elements() {
    const choices = this.models.map((box) => h("label", { class: "check" }, box, h("code", {}, box.value)));
    return [
      field(t("key.name"), this.name),
      this.isNew ? field(t("key.kind"), this.kind) : null,
      this.isNew ? field(t("key.route"), this.routing) : null,
      h("div", { class: "pair" }, field(`${t("key.cap.month")} ($)`, this.monthly), field(`${t("key.cap.total")} ($)`, this.total)),
      h("fieldset", { class: "boxes" }, h("legend", {}, t("key.models")), choices, h("p", { class: "soft small" }, t("key.models.none"))),
      field(t("key.networks.lines"), this.networks),
      field(t("key.until"), this.until),
    ].filter(Boolean);
  }

  /** The body of the request that asks for what stands in the fields. */
  get body() {
    const cap = ({ value }) => (value === "" ? null : Number(value));
    const list = (texts) => (texts.length ? texts : null);
    const body = {
      name: this.name.value.trim(),
      monthlyCap: cap(this.monthly),
      totalCap: cap(this.total),
      models: list(this.models.filter((box) => box.checked).map((box) => box.value)),
      networks: list(this.networks.value.split(/[\s,]+/).filter(Boolean)),
    };
    if (this.isNew) Object.assign(body, { test: this.kind.value === "test", routing: this.routing.value });
    // A day that was not touched stays the moment that it stood for.
    if (this.until.value !== this.untilBefore) body.expiresTime = this.until.value ? endOf(this.until.value) : null;
    return body;
  }
}

/** The day of a moment, here, as a date field has it. */
const dayOf = (unixMs) => new Date(unixMs - new Date(unixMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

/** When a day is over, here. */
function endOf(day) {
  const [year, month, date] = day.split("-").map(Number);
  return Number(new Date(year, month - 1, date + 1));
}
