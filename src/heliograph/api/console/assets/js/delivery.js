// One thing that was told to a receiver, with every attempt.

import { h } from "../playground/js/dom.js";
import { actButton, say } from "./say.js";
import * as service from "./service.js";
import { clock, moment, span, t, tn } from "./text.js";

const AGAIN_MS = 2500;
const MOST_CHIPS = 6;

export class Delivery {
  /** `whole` shows the attempts at once, and not what the place around it says already. */
  constructor(delivery, { whole = false } = {}) {
    this.whole = whole;
    this.element = h("article", { class: "delivery", tabindex: -1 });
    this.show(delivery);
  }

  show(delivery) {
    const unfolded = this.whole || this.element.querySelector("details")?.open;
    const focused = this.element.contains(document.activeElement);
    this.delivery = delivery;
    this.element.setAttribute("aria-label", `${titleOf(delivery)}: ${t(`delivery.${delivery.state}`)}`);
    this.element.replaceChildren(...this.#parts(unfolded));
    if (focused) this.element.focus();
    if (delivery.state === "pending") this.#again();
  }

  #parts(unfolded) {
    const { id, taskId, url, state, reason, createTime, nextAttemptTime, attempts } = this.delivery;
    const title = taskId && !this.whole ? h("a", { href: `#/tasks/${taskId}` }, titleOf(this.delivery)) : titleOf(this.delivery);
    const next = state === "pending" && nextAttemptTime ? ` · ${t("delivery.next", { time: clock(nextAttemptTime) })}` : "";
    const head = h(
      "header",
      {},
      h("div", {}, h(this.whole ? "h4" : "h3", {}, title), h("p", { class: "to" }, h("code", {}, url)), h("p", { class: "soft small" }, `${moment(createTime)} · ${tn("attempts", attempts.length)}${next}`)),
      h("div", { class: "act" }, h("span", { class: "state", "data-state": tone(state) }, t(`delivery.${state}`)), actButton(t("resend"), () => this.#resend(), { kind: "small", "aria-label": t("resend.one", { what: titleOf(this.delivery) }) })),
    );
    const list = [h("ol", { class: "attempts" }, attempts.map(attemptOf)), h("p", { class: "soft small" }, "webhook-id ", h("code", {}, id))];
    const fold = h("details", { class: "fold", open: unfolded }, h("summary", {}, tn("attempts.show", attempts.length), attempts.slice(-MOST_CHIPS).map(chip)), list);
    return [head, reason ? h("p", { class: "remark" }, h("span", { lang: "en" }, reason)) : null, fold].filter(Boolean);
  }

  async #resend() {
    this.show(await service.resend(this.delivery.id));
    say(t("resend.done"));
  }

  /** Look again until it has arrived or is given up, for as long as it can be seen. */
  #again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      if (!this.element.checkVisibility()) return;
      const now = document.hidden ? this.delivery : await service.delivery(this.delivery.id).catch(() => this.delivery);
      if (JSON.stringify(now) !== JSON.stringify(this.delivery)) this.show(now);
      else this.#again();
    }, AGAIN_MS);
  }
}

const tone = (state) => ({ delivered: "success", dead: "failed", pending: "pending" })[state];
const titleOf = ({ taskId, event }) => (taskId ? t("delivery.task", { id: `${taskId.slice(0, 8)}…${taskId.slice(-4)}` }) : event);

const toneOf = ({ status, error }) => (status === 200 ? "good" : error ? "bad" : "");
const outcomeOf = ({ status, latencyMs }) => String(status ?? (latencyMs === undefined ? "…" : "—"));
const chip = (attempt) => h("code", { class: `status ${toneOf(attempt)}` }, outcomeOf(attempt));

/** One POST: when, what came back, how long it took, and why it did not count. */
function attemptOf(attempt) {
  const { number, time, latencyMs, error, answer } = attempt;
  return h(
    "li",
    { class: toneOf(attempt) },
    h("div", { class: "line" }, h("span", { class: "number soft" }, `${number}.`), chip(attempt), h("time", { datetime: new Date(time).toISOString() }, clock(time)), h("span", { class: "soft" }, latencyMs === undefined ? t("attempt.under-way") : span(latencyMs))),
    error ? h("p", { class: "error", lang: "en" }, error) : null,
    answer ? h("pre", { tabindex: 0, "aria-label": t("attempt.answer", { number }) }, answer) : null,
  );
}
