// Who makes the pictures: how each is, what it was asked, what it cost and brought in.

import { rewrite } from "../console/js/place.js";
import { h, icon } from "../console/playground/js/dom.js";
import { badge, card, nothing, shown, time } from "./parts.js";
import * as service from "./service.js";
import { has, money, number, t } from "./text.js";

const PERIODS = ["1", "7", "30", "90"];

export class Providers {
  constructor(place) {
    this.select = h("select", { "aria-label": t("period"), onchange: () => this.#choose() }, PERIODS.map((days) => new Option(t(`days.${days}`), days)));
    this.list = h("div", { class: "providers" });
    place.replaceChildren(h("div", { class: "bar" }, h("h2", { id: "providers-title", tabindex: -1 }, t("providers")), this.select), this.list);
  }

  show({ query }) {
    this.select.value = PERIODS.includes(query.days) ? query.days : "30";
    return this.#read();
  }

  #choose() {
    rewrite("providers", { days: this.select.value });
    return this.#read();
  }

  #read() {
    return shown(async () => {
      const days = this.select.value;
      const { items } = await service.providers(days);
      if (days !== this.select.value) return;
      this.list.replaceChildren(...(items.length ? items.map(providerOf) : [nothing(t("providers.none"))]));
    });
  }
}

function providerOf(one) {
  const row = (label, ...value) => h("div", {}, h("dt", {}, label), h("dd", {}, ...value));
  const calls = Object.entries(one.calls);
  const outcome = ([name, count]) => `${has(`outcome.${name}`) ? t(`outcome.${name}`) : name} ${number(count)}`;
  const facts = [
    row(t("provider.calls"), calls.length ? calls.map(outcome).join(" · ") : t("provider.calls.none")),
    row(t("provider.cost"), money(one.cost)),
    row(t("provider.charged"), money(one.charged)),
    row(t("provider.margin"), h("b", { class: one.margin < 0 ? "loss" : "" }, money(one.margin))),
    one.costPerImage !== undefined && row(t("provider.cost-per-image"), money(one.costPerImage)),
    one.workedTime && row(t("provider.worked"), time(one.workedTime)),
    one.failedTime && row(t("provider.failed"), time(one.failedTime)),
  ].filter(Boolean);
  const error = one.failures && one.error ? h("p", { class: "small" }, t("provider.error"), " ", h("span", { lang: "en" }, one.error)) : null;
  return card(one.name, stateOf(one), h("dl", { class: "facts-list" }, facts), error, one.alarms.length ? alarmsOf(one.alarms) : null);
}

function stateOf(one) {
  if (one.circuit === "open") return badge("failed", [t("circuit.open"), " ", time(one.openUntil)]);
  if (!one.asked) return badge("pending", t("provider.not-asked"));
  return one.failures ? badge("processing", t("circuit.failing", { count: number(one.failures) })) : badge("success", t("circuit.closed"));
}

function alarmsOf(alarms) {
  const line = (one) => h("li", {}, h("p", {}, icon("warning"), h("b", {}, one.code), " ", h("span", { class: "soft" }, t("alarm.times", { count: number(one.number) }), " ", time(one.lastTime))), h("p", { lang: "en" }, one.remedy));
  return h("div", {}, h("h4", {}, t("alarms")), h("ul", { class: "troubles" }, alarms.map(line)));
}
