// Who is signed in: by a link, or with a key that the playground knows too. The cookie is out of reach of this page.

import { find } from "../playground/js/dom.js";
import { forgetKey, keepKey, readKey } from "../playground/js/key.js";
import { press, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { announce, money, t } from "./text.js";

export class Session extends EventTarget {
  /** The account that is signed in, and what it has; null while none is. */
  data = null;
  #departures = 0;

  /** Sign in whoever was before. Tells of each who comes or leaves by an event `change`. */
  start() {
    service.askAsSignedIn();
    find("#key-form").addEventListener("submit", (event) => (event.preventDefault(), this.#enter()));
    find("#sign-out").addEventListener("click", (event) => press(event.currentTarget, () => this.#signOut()));
    document.addEventListener("online-again", () => this.refresh());
    document.addEventListener("session-over", () => this.data && this.leave(t("session.over")));
    // Another tab that takes the key away, or brings one, speaks for this one too.
    addEventListener("storage", (event) => event.key === "heliograph-key" && location.reload());
    this.#show();
    return this.refresh();
  }

  /** Read anew who is signed in and what the account has; the key of this tab signs in by itself. */
  async refresh() {
    const departures = this.#departures;
    try {
      const data = await service.session();
      // Who left while this was on its way is not brought back by it.
      if (departures !== this.#departures) return;
      const key = readKey();
      const opens = key && (data.role === "nobody" || (data.key && !key.includes(`_${data.key.keyId}_`)));
      this.#take(opens ? await service.signIn(key) : data);
    } catch (error) {
      if (departures !== this.#departures) return;
      if (error.code === 401) this.leave(t("key.bad"));
      else this.#problem(sentenceOf(error));
    }
  }

  async #enter() {
    const key = find("#key").value.trim();
    if (!key) return this.#problem(t("key.missing"));
    try {
      this.#take(await service.signIn(key));
      keepKey(key, find("#remember").checked);
      find("#key").value = "";
      find("#view").focus();
    } catch (error) {
      this.#problem(error.code === 401 ? t("key.bad") : sentenceOf(error));
    }
  }

  #take(data) {
    if (data.role !== "account") return this.data && this.leave(t("session.over"));
    const before = this.data;
    this.data = data;
    this.#problem("");
    this.#show();
    if (before?.accountId === data.accountId && before.ownsAccount === data.ownsAccount) return;
    this.dispatchEvent(new CustomEvent("change"));
    announce(t("session.began", { balance: this.#balance() }));
  }

  /** Only the server can take the cookie away: when it cannot be reached, one is still signed in. */
  async #signOut() {
    await service.signOut();
    this.leave();
  }

  /** Show nothing any more of what was seen; `why` stands at the field for the next key. */
  leave(why = "") {
    this.#departures += 1;
    forgetKey();
    const was = this.data !== null;
    this.data = null;
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

  #balance = () => (this.data.key?.test ? t("test.badge") : money(this.data.balance));

  #show() {
    const known = this.data !== null;
    document.documentElement.classList.toggle("known", known);
    find("#key-panel").hidden = known;
    find("#account").hidden = !known;
    if (!known) return;
    const { name, accountId, key, balance, held, liveTasks, maxLiveTasks } = this.data;
    find("#balance").textContent = this.#balance();
    find("#balance").classList.toggle("test", key?.test ?? false);
    find("#key-name").textContent = key?.name ?? name;
    find("#key-shown").textContent = key ? `hg_${key.test ? "test" : "live"}_${key.keyId}_…` : accountId;
    find("#key-facts").textContent = t("account.facts", { balance: money(balance), held: money(held), live: liveTasks, most: maxLiveTasks });
  }
}
