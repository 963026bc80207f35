// The account's tasks, the youngest first: read from the service, so that they survive any reload.

import * as api from "./api.js";
import { Card } from "./card.js";
import { find } from "./dom.js";
import { follow, isOpen } from "./follow.js";
import { announce, t, tn } from "./text.js";

const A_PAGE = 12;

export class Feed {
  /** `actions` are what a card can ask of the rest of the page. */
  constructor(account, actions) {
    Object.assign(this, { account, actions, cards: new Map(), cursor: null, words: "", stop: new AbortController() });
    this.list = find("#tasks");
    this.others = new BroadcastChannel("heliograph-tasks");
    this.others.addEventListener("message", (event) => this.#heard(event.data));
    account.addEventListener("change", (event) => event.detail !== "balance" && this.restart());
    find("#older").addEventListener("click", () => this.#more());
    find("#search").addEventListener("input", () => this.#search());
  }

  /** Forget all, and read the first page anew for whoever is signed in now. */
  async restart() {
    this.stop.abort();
    this.stop = new AbortController();
    this.cards.clear();
    this.list.replaceChildren();
    this.cursor = null;
    this.#adorn();
    if (this.account.key) await this.#more();
  }

  /** A task that was just accepted, here or in another tab. */
  add(task, isOurs = true) {
    if (this.cards.has(task.taskId)) return;
    this.list.prepend(this.#card(task).element);
    this.#adorn();
    if (!isOurs) return;
    this.others.postMessage({ taskId: task.taskId, keyId: this.account.usage.keyId });
    // On a phone the pictures are below the form.
    this.list.firstElementChild.scrollIntoView({ block: "nearest" });
  }

  async #heard({ taskId, keyId }) {
    if (this.account.usage?.keyId !== keyId) return;
    const task = await api.task(taskId).catch(() => null);
    if (task) this.add(task, false);
  }

  #search() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      this.words = find("#search").value.trim();
      this.restart();
    }, 300);
  }

  async #more() {
    const { signal } = this.stop;
    const query = { limit: A_PAGE, ...(this.cursor && { cursor: this.cursor }), ...(this.words && { q: this.words }) };
    const page = await api.tasks(query).catch(() => null);
    if (!page || signal.aborted) return;
    this.cursor = page.nextCursor ?? null;
    const fresh = page.items.filter((task) => !this.cards.has(task.taskId));
    this.list.append(...fresh.map((task) => this.#card(task).element));
    this.#adorn();
    if (this.words) announce(tn("found", this.cards.size));
  }

  #card(task) {
    const card = new Card(task, { ...this.actions, removed: () => this.#removed(card) });
    this.cards.set(task.taskId, card);
    if (isOpen(task)) this.#follow(card);
    return card;
  }

  async #follow(card) {
    try {
      await follow(card.task, (task) => this.#show(card, task), this.stop.signal);
    } catch (error) {
      announce(error.message);
    }
  }

  #show(card, task) {
    card.show(task);
    if (isOpen(task)) return;
    this.account.refresh();
    announce(card.ending());
    document.title = `${task.state === "success" ? "✓" : "✗"} ${t("title")}`;
    document.addEventListener("pointerdown", () => (document.title = t("title")), { once: true });
  }

  #removed(card) {
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    this.cards.delete(card.task.taskId);
    card.element.remove();
    this.#adorn();
    (next ?? find("#pictures-tab")).focus();
  }

  /** What stands around the list: the welcome when it is empty, the way to older ones when there are. */
  #adorn() {
    this.list.hidden = this.cards.size === 0;
    find("#welcome").hidden = this.cards.size > 0 || Boolean(this.words);
    find("#nothing-found").hidden = this.cards.size > 0 || !this.words;
    find("#older").hidden = this.cursor === null;
    find("#finder").hidden = !this.account.key || (this.cards.size === 0 && !this.words);
  }
}
