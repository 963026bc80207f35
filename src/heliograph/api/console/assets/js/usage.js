// What was spent, day by day and line by line, and what the key may spend yet.

import { find, h, icon } from "../playground/js/dom.js";
import { chartOf, daysBetween } from "./chart.js";
import { readLedger } from "./ledger.js";
import { figuresOf, keyOf } from "./limits.js";
import { rewrite } from "./place.js";
import { actButton, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { announce, midnight, money, number, shortMoment, t, tn } from "./text.js";

const DAY_MS = 86_400_000;
const PERIODS = ["30d", "7d", "month", "last-month", "90d"];

export class Usage {
  constructor() {
    this.stop = new AbortController();
    this.figures = h("div");
    this.key = h("div");
    this.select = h("select", { "aria-label": t("period"), onchange: () => this.#choose(this.select.value) }, PERIODS.map((period) => new Option(t(`period.${period}`), period)));
    this.sums = h("p", { class: "sums" });
    this.chart = h("div", { class: "chart-place" });
    this.lines = h("div", { class: "lines" });
    const save = actButton([icon("download"), t("statement.csv")], () => this.#save());
    const part = (name, bar, ...content) => h("section", { class: "panel part", "aria-labelledby": `part-${name}` }, h("div", { class: "bar" }, h("h3", { id: `part-${name}` }, t(`part.${name}`)), bar), ...content);
    find("#usage").replaceChildren(
      h("h2", { id: "usage-title", class: "unseen", tabindex: -1 }, t("usage")),
      this.figures,
      h("div", { class: "spent" }, h("div", { class: "stack" }, part("chart", this.select, this.sums, this.chart), part("statement", save, this.lines)), (this.keyPart = part("key", null, this.key))),
    );
  }

  async show({ query }) {
    this.period = PERIODS.includes(query.period) ? query.period : PERIODS[0];
    this.select.value = this.period;
    await Promise.all([this.#limits(), this.#ledger()]);
  }

  leave() {
    this.stop.abort();
  }

  #choose(period) {
    this.period = period;
    rewrite("usage", { period });
    this.#ledger();
  }

  async #limits() {
    try {
      const session = await service.session();
      if (session.role !== "account") return document.dispatchEvent(new CustomEvent("session-over"));
      this.figures.replaceChildren(figuresOf(session.key ?? session));
      this.keyPart.hidden = !session.key;
      if (session.key) this.key.replaceChildren(keyOf(session.key));
    } catch (error) {
      say(sentenceOf(error), true);
    }
  }

  async #ledger() {
    this.stop.abort();
    const { signal } = (this.stop = new AbortController());
    const { from, to } = boundsOf(this.period);
    this.chart.setAttribute("aria-busy", "true");
    try {
      const ledger = await readLedger({ from, to }, signal);
      if (signal.aborted) return;
      this.#draw(ledger, from, to);
    } catch (error) {
      if (!signal.aborted) say(sentenceOf(error), true);
    } finally {
      if (!signal.aborted) this.chart.removeAttribute("aria-busy");
    }
  }

  #draw(ledger, from, to) {
    const sum = (key, amount) => h("span", {}, h("b", {}, money(amount)), " ", t(key));
    const { charge, topup, adjust } = ledger.sums;
    this.sums.replaceChildren(sum("sum.spent", charge), topup ? sum("sum.topped-up", topup) : "", adjust ? sum("sum.adjusted", adjust) : "");
    this.chart.replaceChildren(...(charge ? chartOf(daysBetween(from, to, ledger.days)) : [h("p", { class: "empty soft" }, t("chart.nothing"))]));
    const note = ledger.count > ledger.lines.length ? h("p", { class: "soft small" }, t("statement.more", { shown: number(ledger.lines.length), count: number(ledger.count) })) : null;
    this.lines.replaceChildren(...(ledger.count ? [sheetOf(ledger.lines), note].filter(Boolean) : [h("p", { class: "empty soft" }, t("statement.nothing"))]));
    announce(`${t("sum.said", { amount: money(charge) })} ${tn("statement.lines", ledger.count)}`);
  }

  async #save() {
    const { from, to } = boundsOf(this.period);
    const answer = await service.statement({ from, to });
    const address = URL.createObjectURL(await answer.blob());
    const link = h("a", { href: address, download: `statement-${new Date(from).toISOString().slice(0, 10)}.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    say(t("downloaded"));
  }
}

/** From when to when a period goes, in Unix milliseconds. */
function boundsOf(period) {
  const tomorrow = new Date(midnight(Date.now()));
  tomorrow.setDate(tomorrow.getDate() + 1);
  if (!period.endsWith("month")) return { from: midnight(Number(tomorrow) - parseInt(period, 10) * DAY_MS), to: Number(tomorrow) };
  const month = tomorrow.getMonth() - (new Date().getMonth() === tomorrow.getMonth() ? 0 : 1);
  const first = (count) => Number(new Date(tomorrow.getFullYear(), month + count, 1));
  return period === "month" ? { from: first(0), to: Number(tomorrow) } : { from: first(-1), to: first(0) };
}

function sheetOf(lines) {
  const head = h("tr", {}, ["time", "kind", "amount", "balance"].map((key) => h("th", { scope: "col" }, t(`statement.${key}`))));
  const row = ({ time, kind, amount, moved, balance, taskId, note }) =>
    h(
      "tr",
      {},
      h("td", {}, h("time", { datetime: new Date(time).toISOString() }, shortMoment(time))),
      h("td", {}, t(`kind.${kind}`), kind === "charge" ? h("span", { class: "soft" }, ` ${t("charge.moved", { amount: money(moved) })}`) : null, taskId ? h("a", { class: "of-task", href: `#/tasks/${taskId}` }, h("code", {}, `${taskId.slice(0, 8)}…${taskId.slice(-4)}`)) : null, note ? h("span", { class: "soft note" }, note) : null),
      h("td", { class: amount > 0 ? "plus" : "" }, kind === "charge" ? "–" : `${amount > 0 ? "+" : ""}${money(amount)}`),
      h("td", {}, money(balance)),
    );
  const table = h("table", { class: "sheet" }, h("caption", { class: "unseen" }, t("part.statement")), h("thead", {}, head), h("tbody", {}, lines.map(row)));
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": t("part.statement") }, table);
}
