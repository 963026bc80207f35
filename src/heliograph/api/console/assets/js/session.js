// Who is signed in: with a key that the playground knows too, and forgets at the same moment.

import { find } from "../playground/js/dom.js";
import { forgetKey, keepKey, masked, readKey } from "../playground/js/key.js";
import { sentenceOf } from "./say.js";
import * as service from "./service.js";
import { announce, money, t } from "./text.js";

export class Session extends EventTarget {
  /** What the key may do and its account has; null while nobody is signed in. */
  usage = null;

  /** Sign in whoever was before. Tells of each who comes or leaves by an event `change`. */
  start() {
    find("#key-form").addEventListener("submit", (event) => (event.preventDefault(), this.#enter()));
    find("#sign-out").addEventListener("click", () => this.leave());
    document.addEventListener("online-again", () => this.refresh());
    document.addEventListener("key-refused", () => this.usage && this.leave(t("key.bad")));
    // Another tab that takes the key away, or brings one, speaks for this one too.
    addEventListener("storage", (event) => event.key === "heliograph-key" && location.reload());
    this.#show();
    return this.refresh();
  }

  async #enter() {
    const key = find("#key").value.trim();
    if (!key) return this.#problem(t("key.missing"));
    keepKey(key, find("#remember").checked);
    await this.refresh();
    if (!this.usage) return;
    find("#key").value = "";
    find("#view").focus();
  }

  /** Read anew what the account has. */
  async refresh() {
    if (!readKey()) return;
    try {
      const came = this.usage === null;
      this.usage = await service.usage();
      this.#problem("");
      this.#show();
      if (!came) return;
      this.dispatchEvent(new CustomEvent("change"));
      announce(t("key.good", { balance: this.#balance() }));
    } catch (error) {
      if (error.code === 401) this.leave(t("key.bad"));
      else this.#problem(sentenceOf(error));
    }
  }

  /** Forget the key and what it opened; `why` is shown at the field for the next one. */
  leave(why = "") {
    forgetKey();
    const was = this.usage !== null;
    this.usage = null;
    this.#show();
    if (was) this.dispatchEvent(new CustomEvent("change"));
    this.#problem(why);
    find("#key").focus();
  }

  #problem(text) {
    const problem = find("#key-problem");
    Object.assign(problem, { textContent: text, hidden: !text });
    find("#key").toggleAttribute("aria-invalid", Boolean(text));
    if (text) find("#key").focus();
  }

  #balance = () => (this.usage.test ? t("test.badge") : money(this.usage.balance));

  #show() {
    const known = this.usage !== null;
    document.documentElement.classList.toggle("known", known);
    find("#key-panel").hidden = known;
    find("#account").hidden = !known;
    if (!known) return;
    const { name, test, balance, held, liveTasks, maxLiveTasks } = this.usage;
    find("#balance").textContent = this.#balance();
    find("#balance").classList.toggle("test", test);
    find("#key-name").textContent = name;
    find("#key-shown").textContent = masked(readKey());
    find("#key-facts").textContent = t("account.facts", { balance: money(balance), held: money(held), live: liveTasks, most: maxLiveTasks });
  }
}
