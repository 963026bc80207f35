// The account's tasks, the youngest first, day by day.

import { find, h } from "../playground/js/dom.js";
import { follow, isOpen } from "../playground/js/follow.js";
import { asked, Filters } from "./filters.js";
import { hashOf, rewrite } from "./place.js";
import { Row } from "./row.js";
import { actButton, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { announce, day, midnight, t, tn } from "./text.js";

const A_PAGE = 20;

export class History {
  constructor() {
    Object.assign(this, { rows: new Map(), cursor: null, query: null, chosen: null, stop: new AbortController() });
    this.filters = new Filters((query) => (rewrite("history", query), this.#restart(query)));
    this.days = h("div", { class: "days" });
    this.nothing = h("div", { class: "empty", hidden: true });
    this.older = actButton(t("older"), () => this.#more(), { hidden: true });
    const title = h("h2", { class: "unseen", id: "history-title", tabindex: -1 }, t("history"));
    find("#history").replaceChildren(title, this.filters.element, this.nothing, this.days, h("div", { class: "foot" }, this.older));
    service.prices().then(({ items }) => this.filters.modes([...new Set(items.flatMap((model) => model.modes.map((mode) => mode.mode)))]), () => {});
    this.others = new BroadcastChannel("heliograph-tasks");
    this.others.addEventListener("message", () => this.#look());
    document.addEventListener("visibilitychange", this.woken = () => document.hidden || this.#look());
  }

  /** Show what the query of a place asks for; nothing is read again that is there. */
  show({ query }) {
    if (this.query && JSON.stringify(query) === JSON.stringify(this.query)) return this.#look();
    this.filters.take(query);
    return this.#restart(query);
  }

  choose(taskId) {
    this.rows.get(this.chosen)?.choose(false);
    this.rows.get(taskId)?.choose(true);
    this.chosen = taskId;
  }

  /** The address of the list as it is narrowed now. */
  get address() {
    return hashOf("history", this.query ?? {});
  }

  /** Put the focus where it was before a task was opened, and the list too. */
  focus(taskId, scrolled) {
    (this.rows.get(taskId)?.link ?? find("#history-title")).focus({ preventScroll: true });
    scrollTo(0, scrolled);
  }

  /** A task that another part of the page knows more about. */
  update(task) {
    this.rows.get(task.taskId)?.show(task);
  }

  end() {
    this.stop.abort();
    this.others.close();
    document.removeEventListener("visibilitychange", this.woken);
  }

  async #restart(query) {
    this.stop.abort();
    this.stop = new AbortController();
    Object.assign(this, { query, cursor: null });
    this.rows.clear();
    this.days.setAttribute("aria-busy", "true");
    await this.#more(true);
    this.days.removeAttribute("aria-busy");
    if (Object.keys(query).length && !this.stop.signal.aborted) announce(tn("found", this.rows.size));
  }

  async #more(fresh = false) {
    const { signal } = this.stop;
    try {
      const page = await service.tasks({ limit: A_PAGE, ...asked(this.query), ...(this.cursor && { cursor: this.cursor }) });
      if (signal.aborted) return;
      if (fresh) this.days.replaceChildren();
      this.cursor = page.nextCursor ?? null;
      for (const task of page.items) if (!this.rows.has(task.taskId)) this.#put(task, false);
    } catch (error) {
      if (!signal.aborted) say(sentenceOf(error), true);
    }
    this.#adorn();
  }

  /** What has come since: tasks that were not there when the list was read. */
  async #look() {
    if (!this.query || this.days.hasAttribute("aria-busy")) return;
    const { signal } = this.stop;
    const page = await service.tasks({ limit: A_PAGE, ...asked(this.query) }).catch(() => ({ items: [] }));
    if (signal.aborted) return;
    for (const task of page.items.reverse()) {
      if (this.rows.has(task.taskId)) this.update(task);
      else this.#put(task, true);
    }
    this.#adorn();
  }

  #put(task, atTop) {
    const row = new Row(task);
    this.rows.set(task.taskId, row);
    row.choose(task.taskId === this.chosen);
    const list = this.#day(midnight(task.createTime), atTop);
    if (atTop) list.prepend(row.element);
    else list.append(row.element);
    if (isOpen(task)) this.#follow(row);
  }

  #day(start, atTop) {
    const known = find(`[data-day="${start}"]`, this.days);
    if (known) return known;
    const id = `day-${start}`;
    const list = h("ul", { "data-day": start, "aria-labelledby": id });
    const group = h("div", { class: "day" }, h("h3", { id }, day(start)), list);
    if (atTop) this.days.prepend(group);
    else this.days.append(group);
    return list;
  }

  async #follow(row) {
    try {
      await follow(row.task, (task) => row.show(task), this.stop.signal);
    } catch (error) {
      say(sentenceOf(error), true);
    }
  }

  #adorn() {
    const narrowed = Object.keys(this.query).length > 0;
    this.older.hidden = this.cursor === null;
    this.nothing.hidden = this.rows.size > 0;
    const first = [h("p", { class: "hero" }, t("history.empty")), h("p", { class: "soft" }, t("history.begin")), h("a", { class: "button main", href: "/" }, t("history.start"))];
    this.nothing.replaceChildren(...(narrowed ? [h("p", {}, t("history.nothing"))] : first));
  }
}
