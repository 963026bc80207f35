// The proof that the money is right: what the last one found, and another one.

import { actButton, say } from "../console/js/say.js";
import { h } from "../console/playground/js/dom.js";
import { Again, badge, card, sheet, shown, time } from "./parts.js";
import * as service from "./service.js";
import { age, announce, t, tn } from "./text.js";

const LOOK_MS = 1000;

export class Audit {
  constructor(place) {
    this.state = h("div", { class: "stack" });
    this.button = actButton(t("audit.act"), () => this.#run(), { kind: "main" });
    const under = h("p", { class: "soft" }, t("audit.text"));
    place.replaceChildren(h("h2", { id: "audit-title", tabindex: -1 }, t("audit")), card(t("audit.last"), this.button, under, this.state));
    this.again = new Again(() => this.#look(), LOOK_MS);
  }

  show() {
    return this.again.start();
  }

  leave() {
    this.again.end();
  }

  async #run() {
    // drawn as running first, so that the end is told even if it comes before the next look
    this.#draw(await service.runAudit());
    say(t("audit.begun"));
    await this.again.start();
  }

  async #look() {
    const state = await shown(() => service.audit());
    if (!state) return;
    const text = JSON.stringify(state);
    if (text !== this.seen) this.#draw(state);
    this.seen = text;
    if (!state.running) this.again.end();
  }

  #draw({ running, last }) {
    const ended = this.running && !running && last;
    this.running = running;
    this.button.disabled = running;
    const waiting = running ? h("p", { class: "listening" }, h("span", { class: "pulse" }), t("audit.running")) : null;
    this.state.replaceChildren(...[waiting, ...(last ? proofOf(last) : [h("p", { class: "empty soft" }, t("audit.never"))])].filter(Boolean));
    if (ended) announce(verdictOf(last));
  }
}

const verdictOf = ({ error, found }) => (error ? t("audit.broken") : found ? tn("audit.found", found) : t("audit.clean"));

function proofOf(last) {
  const good = !last.error && last.found === 0;
  const took = age(Math.max(1, (last.endTime - last.startTime) / 1000));
  const verdict = h("p", { class: "verdict" }, badge(good ? "success" : "failed", verdictOf(last)), " ", h("span", { class: "soft" }, time(last.endTime), ` · ${last.operator} · `, t("audit.took", { took })));
  const problems = last.findings?.length ? sheet(t("audit.findings"), [[t("audit.subject")], [t("audit.problem")]], last.findings.map((one) => [h("code", {}, one.subject), h("span", { lang: "en" }, one.problem)])) : null;
  const more = last.findings && last.found > last.findings.length ? h("p", { class: "soft small" }, t("audit.more")) : null;
  return [verdict, last.error ? h("p", { lang: "en" }, last.error) : null, problems, more].filter(Boolean);
}
