// What the account has and a key may do, and how much of it is used.

import { h } from "../playground/js/dom.js";
import { moment, money, number, percent, t } from "./text.js";

/** Figures that matter first, with a bar where there is a limit. */
export function figuresOf(usage) {
  const figures = [figure(t("figure.balance"), money(usage.balance), t("figure.balance.note")), figure(t("figure.held"), money(usage.held), t("figure.held.note"))];
  if (usage.monthlyCap !== undefined) figures.push(figure(t("figure.month"), money(usage.spentThisMonth), t("figure.of", { most: money(usage.monthlyCap) }), usage.spentThisMonth / usage.monthlyCap));
  else if (usage.spentThisMonth !== undefined) figures.push(figure(t("figure.month"), money(usage.spentThisMonth), t("figure.no-cap")));
  if (usage.totalCap !== undefined) figures.push(figure(t("figure.total"), money(usage.spentTotal), t("figure.of", { most: money(usage.totalCap) }), usage.spentTotal / usage.totalCap));
  figures.push(figure(t("figure.tasks"), number(usage.liveTasks), t("figure.of", { most: number(usage.maxLiveTasks) }), usage.liveTasks / usage.maxLiveTasks));
  if (usage.rateLimitPerMinute !== undefined) figures.push(figure(t("figure.rate"), number(usage.rateLimitPerMinute), t("figure.rate.note")));
  return h("div", { class: "figures" }, figures);
}

function figure(label, value, note, share) {
  return h("div", { class: "panel figure" }, h("h3", {}, label), h("p", { class: "value" }, value), share === undefined ? null : meter(label, share), h("p", { class: "soft small" }, note));
}

function meter(label, share) {
  const used = Math.min(share, 1);
  const element = h("div", { class: used > 0.9 ? "meter high" : "meter", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(used * 100), "aria-valuetext": percent(used) }, h("span"));
  element.style.setProperty("--share", used);
  return element;
}

export function keyOf(usage) {
  const row = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  const list = (values, none) => (values ? h("ul", {}, values.map((value) => h("li", {}, h("code", {}, value)))) : none);
  return h(
    "dl",
    { class: "facts-list" },
    row(t("key.name"), usage.name),
    row(t("key.id"), h("code", {}, `${usage.test ? "hg_test" : "hg_live"}_${usage.keyId}_…`)),
    row(t("key.kind"), t(usage.test ? "key.test" : "key.live")),
    row(t("key.cap.month"), usage.monthlyCap === undefined ? t("key.none") : money(usage.monthlyCap)),
    row(t("key.cap.total"), usage.totalCap === undefined ? t("key.none") : money(usage.totalCap)),
    row(t("key.models"), list(usage.models, t("key.all"))),
    row(t("key.networks"), list(usage.networks, t("key.anywhere"))),
    row(t("key.expires"), usage.expiresTime ? moment(usage.expiresTime) : t("key.never")),
  );
}
