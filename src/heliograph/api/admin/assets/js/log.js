// What operators have done. Nothing in it is ever changed or deleted.

import { h } from "../console/playground/js/dom.js";
import { Pages, sheet, time } from "./parts.js";
import * as service from "./service.js";
import { announce, has, money, t, tn } from "./text.js";

const MONEY = ["balance", "amount"];

export class Log {
  constructor(place) {
    this.pages = new Pages((cursor) => service.log({ cursor }), actionsOf, () => t("log.empty"));
    place.replaceChildren(h("h2", { id: "log-title", tabindex: -1 }, t("log")), h("p", { class: "soft" }, t("log.text")), h("div", { class: "panel" }, this.pages.element));
  }

  async show() {
    announce(tn("log.found", await this.pages.begin()));
  }
}

export function actionsOf(items) {
  const heads = [[t("log.time")], [t("log.operator")], [t("log.action")], [t("log.change")]];
  return sheet(t("log"), heads, items.map((one) => [time(one.time), one.operator, deedOf(one), changeOf(one)]));
}

function deedOf({ action, subject, accountId }) {
  const key = `action.${action}`;
  const link = accountId ? h("a", { href: `#/accounts/${accountId}` }, h("code", {}, subject)) : h("code", {}, subject);
  return [h("b", {}, has(key) ? t(key) : action), " ", link];
}

/** What was different, before and after, in the words of the service. */
function changeOf({ before, after, note }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const said = (name, value) => (MONEY.includes(name) ? money(value) : String(value ?? "–"));
  const old = (name) => (before && name in before ? h("span", { class: "soft" }, `${said(name, before[name])} → `) : null);
  const line = (name) => h("li", {}, `${name}: `, old(name), h("b", {}, said(name, after?.[name])));
  if (!names.length && !note) return "–";
  return h("ul", { class: "changes" }, names.map(line), note ? h("li", { class: "note" }, note) : null);
}
