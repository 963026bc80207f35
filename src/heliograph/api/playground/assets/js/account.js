// Whose key it is, what it may spend, and the two places that show it: the panel for the key, and the head.

import * as api from "./api.js";
import { find } from "./dom.js";
import { forgetKey, keepKey, masked, readKey } from "./key.js";
import { announce, money, t } from "./text.js";

export class Account extends EventTarget {
  usage = null;
  #prices = new Map();

  get key() {
    return this.usage ? readKey() : null;
  }

  get test() {
    return this.usage?.test ?? false;
  }

  get balance() {
    return this.usage?.balance ?? null;
  }

  /** Dollars for one picture, or null while nobody is known. */
  priceOf(model, mode) {
    if (!this.usage) return null;
    return this.test ? 0 : (this.#prices.get(`${model.id} ${mode.name}`) ?? null);
  }

  start() {
    find("#key-form").addEventListener("submit", (event) => (event.preventDefault(), this.#enter()));
    find("#sign-out").addEventListener("click", () => this.#signOut());
    document.addEventListener("click", (event) => find("#account").contains(event.target) || find("#account").removeAttribute("open"));
    document.addEventListener("online-again", () => this.refresh());
    // Another tab that takes the key away, or brings one, speaks for this one too.
    addEventListener("storage", (event) => event.key === "heliograph-key" && location.reload());
    this.#show();
    return readKey() ? this.refresh(true) : Promise.resolve();
  }

  /** Forget the key, and end the session that the console may have opened with it. */
  async #signOut() {
    await api.signOut().catch(() => null);
    this.leave();
  }

  async #enter() {
    const key = find("#key").value.trim();
    this.#problem("");
    if (!key) return this.#problem(t("key.missing"));
    keepKey(key, find("#remember").checked);
    await this.refresh(true);
    if (!this.usage) return;
    find("#key").value = "";
    find("#request textarea").focus();
  }

  /** Read the balance anew; a `first` time, the prices too. */
  async refresh(first = this.usage === null) {
    const key = readKey();
    if (!key) return;
    try {
      const [usage, prices] = await Promise.all([api.usage(), first ? api.prices() : null]);
      // The key was taken away, or changed, while this was on its way.
      if (readKey() !== key) return;
      const came = this.usage === null;
      this.usage = usage;
      for (const model of prices?.items ?? []) for (const mode of model.modes) this.#prices.set(`${model.modelId} ${mode.mode}`, mode.price);
      this.#show();
      this.dispatchEvent(new CustomEvent("change", { detail: came ? "came" : "balance" }));
      if (came) announce(t("key.good", { balance: this.#shownBalance() }));
    } catch (error) {
      if (readKey() !== key) return;
      if (error.code === 401) this.leave(t("key.bad"));
      else this.#problem(error instanceof api.Offline ? t("offline.title") : error.message);
    }
  }

  /** Forget the key and what it opened; `why` is shown at the field for the next one. */
  leave(why = "") {
    const was = this.usage !== null;
    forgetKey();
    this.usage = null;
    this.#show();
    this.dispatchEvent(new CustomEvent("change", { detail: "left" }));
    this.#problem(why);
    if (was || why) find("#key").focus();
  }

  #problem(text) {
    const problem = find("#key-problem");
    problem.textContent = text;
    problem.hidden = !text;
    find("#key").toggleAttribute("aria-invalid", Boolean(text));
    if (text) find("#key").focus();
  }

  #shownBalance() {
    return this.test ? t("test.badge") : money(this.balance);
  }

  #show() {
    const known = this.usage !== null;
    document.documentElement.classList.toggle("known", known);
    find("#key-panel").hidden = known;
    find("#account").hidden = !known;
    if (!known) return;
    find("#balance").textContent = this.#shownBalance();
    find("#balance").classList.toggle("test", this.test);
    find("#key-shown").textContent = `${masked(readKey())}`;
    find("#key-name").textContent = this.usage.name;
    find("#key-facts").textContent = t("account.facts", { balance: money(this.balance), held: money(this.usage.held), live: this.usage.liveTasks, most: this.usage.maxLiveTasks });
  }
}
