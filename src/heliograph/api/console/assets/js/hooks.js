// What can be done with receivers: try one, send again, let one have notices again, replace the secret.

import { h, icon, newId } from "../playground/js/dom.js";
import { ask } from "./ask.js";
import { Delivery } from "./delivery.js";
import { actButton, copyButton, press, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { moment, t, tn } from "./text.js";

/** A card with a form: `fields`, a button, and a place for what comes of it. */
export function formCard(name, fields, act) {
  const id = newId(name);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const outcome = h("div", { class: "result", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "button" }, t(`${name}.act`));
  const trouble = (sentence) => Object.assign(problem, { textContent: sentence, hidden: !sentence });
  const submit = (event) => {
    event.preventDefault();
    trouble("");
    press(button, async () => outcome.replaceChildren(...(await act())), trouble);
  };
  const form = h("form", { onsubmit: submit, novalidate: true }, fields, problem, button);
  return h("section", { class: "panel part", "aria-labelledby": id }, h("h3", { id }, t(`${name}.title`)), h("p", { class: "soft small" }, t(`${name}.text`)), form, outcome);
}

export const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);
const urlInput = (attributes = {}) => h("input", { type: "url", placeholder: "https://your-server.com/hook", autocomplete: "off", spellcheck: "false", ...attributes });

/** Send a test to a receiver, and show what it answered. */
export function testCard(done) {
  const url = urlInput({ required: true });
  return formCard("test", [field(t("receiver"), url)], async () => {
    const delivery = await service.test(url.value.trim());
    done();
    return [new Delivery(delivery, { whole: true }).element];
  });
}

/** Send all again that died since a moment. */
export function sinceCard(done) {
  const yesterday = new Date(Date.now() - 86_400_000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const since = h("input", { type: "datetime-local", value: yesterday, required: true });
  const url = urlInput();
  return formCard("resend-all", [field(t("resend-all.since"), since), field(t("resend-all.only"), url)], async () => {
    const moments = new Date(since.value).getTime();
    if (Number.isNaN(moments)) throw new Error(t("resend-all.when"));
    const { resent } = await service.resendAll(moments, url.value.trim());
    done();
    return [h("p", { class: "good-word" }, tn("resent", resent))];
  });
}

/** Replace the signing secret; the new one is shown this once. */
export function secretCard() {
  const hours = h("select", {}, [24, 1, 72, 168, 0].map((count) => new Option(count ? tn("hours", count) : t("at-once"), count)));
  return formCard("secret", [field(t("secret.overlap"), hours)], async () => {
    const overlap = Number(hours.value);
    const warning = h("p", {}, overlap ? t("secret.both", { hours: tn("hours", overlap) }) : t("secret.cut"));
    if (!(await ask(t("secret.sure"), [warning], t("secret.act")))) return [];
    const { secret, previousValidUntil } = await service.rotate(overlap);
    const until = overlap ? h("p", { class: "small" }, t("secret.until", { time: moment(previousValidUntil) })) : null;
    return [h("div", { class: "once" }, h("p", {}, h("b", {}, t("secret.once"))), h("code", { class: "secret" }, secret), copyButton(secret), until)];
  });
}

/** Receivers that fail, are paused or are disabled. */
export class Troubles {
  /** `done()` is called when one has notices again. */
  constructor(done) {
    this.done = done;
    this.list = h("ul", { class: "troubles" });
    this.title = h("h3", { id: "troubles-title" }, t("troubles"));
    this.element = h("section", { class: "panel part", "aria-labelledby": "troubles-title" }, this.title, this.list);
  }

  async show() {
    try {
      const { items } = await service.receivers({ limit: 100 });
      this.element.classList.toggle("alarm", items.length > 0);
      this.list.replaceChildren(...(items.length ? items.map((one) => this.#receiver(one)) : [h("li", { class: "fine soft" }, t("troubles.none"))]));
    } catch (error) {
      say(sentenceOf(error), true);
    }
  }

  #receiver({ url, state, failingSince, reason }) {
    const closed = state !== "active";
    const enable = async () => {
      await service.enable(url);
      say(t("enabled"));
      await this.show();
      this.done();
    };
    return h(
      "li",
      {},
      h("p", { class: "to" }, h("code", {}, url)),
      h("p", { class: "small" }, h("b", {}, icon("warning"), t(`receiver.${state}`)), " ", h("span", { class: "soft" }, t("failing-since", { time: moment(failingSince) }))),
      reason ? h("p", { class: "soft small", lang: "en" }, reason) : null,
      closed ? actButton(t("enable"), enable, { kind: "small", "aria-label": t("enable.one", { url }) }) : null,
    );
  }
}
