// What was told to the account's receivers, and what can be done about what did not arrive.

import { find, h } from "../playground/js/dom.js";
import { Delivery } from "./delivery.js";
import { secretCard, sinceCard, testCard, Troubles } from "./hooks.js";
import { hashOf } from "./place.js";
import { actButton, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { announce, t, tn } from "./text.js";

const A_PAGE = 20;
const STATES = ["", "pending", "delivered", "dead"];

export class Webhooks {
  constructor() {
    this.stop = new AbortController();
    this.choices = STATES.map((state) => h("a", { href: hashOf("webhooks", { state }) }, t(`delivery.${state || "any"}`)));
    this.list = h("div", { class: "deliveries" });
    this.nothing = h("p", { class: "empty soft", hidden: true });
    this.older = actButton(t("older"), () => this.#more(), { hidden: true });
    const again = () => this.#restart();
    this.troubles = new Troubles(again);
    const title = h("h2", { id: "webhooks-title", tabindex: -1 }, t("webhooks"));
    const bar = h("div", { class: "bar" }, title, h("nav", { class: "segmented", "aria-label": t("filter.state") }, this.choices));
    const told = h("div", { class: "told" }, bar, this.nothing, this.list, h("div", { class: "foot" }, this.older));
    const aside = h("div", { class: "aside" }, this.troubles.element, testCard(again), sinceCard(again), secretCard());
    find("#webhooks").replaceChildren(told, aside);
  }

  async show({ query }) {
    this.state = STATES.includes(query.state) ? query.state : "";
    this.choices.forEach((choice, index) => {
      if (STATES[index] === this.state) choice.setAttribute("aria-current", "true");
      else choice.removeAttribute("aria-current");
    });
    await this.#restart();
    announce(tn("found.deliveries", this.list.children.length));
  }

  leave() {
    this.stop.abort();
  }

  async #restart() {
    this.stop.abort();
    this.stop = new AbortController();
    this.cursor = null;
    this.list.setAttribute("aria-busy", "true");
    await this.#more(true);
    // after the list: who is told that all is well again may act on what stands there
    await this.troubles.show();
    this.list.removeAttribute("aria-busy");
  }

  async #more(fresh = false) {
    const { signal } = this.stop;
    try {
      const page = await service.deliveries({ limit: A_PAGE, ...(this.state && { state: this.state }), ...(this.cursor && { cursor: this.cursor }) });
      if (signal.aborted) return;
      if (fresh) this.list.replaceChildren();
      this.cursor = page.nextCursor ?? null;
      this.list.append(...page.items.map((item) => new Delivery(item).element));
    } catch (error) {
      if (!signal.aborted) say(sentenceOf(error), true);
    }
    this.older.hidden = this.cursor === null;
    this.nothing.hidden = this.list.children.length > 0;
    this.nothing.textContent = t(this.state ? "deliveries.nothing" : "deliveries.empty");
  }
}
