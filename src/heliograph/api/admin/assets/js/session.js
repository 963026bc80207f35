// Who is signed in: an operator, by a cookie that no script can read.

import { find } from "../console/playground/js/dom.js";
import { press, sentenceOf } from "../console/js/say.js";
import * as service from "./service.js";
import { announce, t } from "./text.js";

export class Session extends EventTarget {
  /** The operator's name; null while nobody is signed in who may be here. */
  operator = null;

  /** Look who is here. Tells of each who comes or leaves by an event `change`. */
  start() {
    find("#sign-out").addEventListener("click", (event) => press(event.currentTarget, () => this.#leave()));
    document.addEventListener("session-over", () => this.operator && this.#show(null, t("door.over")));
    document.addEventListener("online-again", () => this.refresh());
    return this.refresh();
  }

  async refresh() {
    try {
      const { role, name } = await service.session();
      this.#show(role === "operator" ? name : null, role === "account" ? t("door.account") : "");
    } catch (error) {
      this.#problem(sentenceOf(error));
    }
  }

  async #leave() {
    await service.leave();
    this.#show(null, "");
    announce(t("door.left"));
    find("#door-title").focus();
  }

  #problem(text) {
    Object.assign(find("#door-problem"), { textContent: text, hidden: !text });
    find("#door").hidden = this.operator !== null;
  }

  #show(operator, why) {
    const changed = operator !== this.operator;
    this.operator = operator;
    document.documentElement.classList.toggle("known", operator !== null);
    find("#account").hidden = operator === null;
    find("#operator").textContent = operator ?? "";
    this.#problem(why);
    if (changed) this.dispatchEvent(new CustomEvent("change"));
  }
}
