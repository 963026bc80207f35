// What the pages are put together from: cards, forms, tables, and lists that go on.

import { press, sentenceOf, say, actButton } from "../console/js/say.js";
import { h, newId } from "../console/playground/js/dom.js";
import { moment, shortMoment, t } from "./text.js";

/** A card with a head; `bar` stands beside it. */
export function card(title, bar, ...content) {
  const id = newId("card");
  return h("section", { class: "panel part", "aria-labelledby": id }, h("div", { class: "bar" }, h("h3", { id }, title), bar), ...content);
}

export const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);

/** A form with its fields, one button, and a place for what went wrong. `act()` does what the button says. */
export function form(fields, label, act) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "button main" }, label);
  const trouble = (sentence) => Object.assign(problem, { textContent: sentence, hidden: !sentence });
  const submit = (event) => {
    event.preventDefault();
    trouble("");
    press(button, act, trouble);
  };
  return h("form", { onsubmit: submit, novalidate: true }, fields, problem, button);
}

/** A table, which stands as a list of its rows where there is no room. `heads` are `[text, isNumber]`. */
export function sheet(caption, heads, rows) {
  const kind = (index) => (heads[index][1] ? { class: "number" } : {});
  const head = h("tr", { role: "row" }, heads.map(([text], index) => h("th", { scope: "col", role: "columnheader", ...kind(index) }, text)));
  const first = (cell) => h("th", { scope: "row", role: "rowheader" }, cell);
  const other = (cell, index) => h("td", { role: "cell", "data-label": heads[index + 1][0], ...kind(index + 1) }, h("div", {}, cell));
  const line = ([cell, ...cells]) => h("tr", { role: "row" }, first(cell), cells.map(other));
  // roles, for a browser forgets them when a table is laid out in another way
  const parts = [h("caption", { class: "unseen" }, caption), h("thead", { role: "rowgroup" }, head), h("tbody", { role: "rowgroup" }, rows.map(line))];
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption }, h("table", { class: "sheet", role: "table" }, parts));
}

export const nothing = (text) => h("p", { class: "empty soft" }, text);
export const badge = (tone, text) => h("span", { class: "state", "data-state": tone }, text);
export const time = (unixMs, say = moment) => h("time", { datetime: new Date(unixMs).toISOString() }, say(unixMs));
export const shortTime = (unixMs) => time(unixMs, shortMoment);

/** A list that is read page by page. `read(cursor)` gives a page, `draw(items)` its element. */
export class Pages {
  constructor(read, draw, empty) {
    Object.assign(this, { read, draw, empty, items: [], turn: 0 });
    this.place = h("div", { class: "pages" });
    this.older = actButton(t("older"), () => this.#more(), { hidden: true });
    this.element = h("div", { class: "stack" }, this.place, h("div", { class: "foot" }, this.older));
  }

  /** Read from the beginning; gives how many came. */
  async begin() {
    Object.assign(this, { items: [], cursor: null, turn: this.turn + 1 });
    this.place.setAttribute("aria-busy", "true");
    await shown(() => this.#more());
    this.place.removeAttribute("aria-busy");
    return this.items.length;
  }

  async #more() {
    const { turn } = this;
    const page = await this.read(this.cursor);
    if (turn !== this.turn) return;
    this.items.push(...page.items);
    this.cursor = page.nextCursor ?? null;
    this.older.hidden = this.cursor === null;
    this.place.replaceChildren(this.items.length ? this.draw(this.items) : nothing(this.empty()));
  }
}

/** Do something that reads; what goes wrong is told. */
export async function shown(act) {
  try {
    return await act();
  } catch (error) {
    if (error.name !== "AbortError") say(sentenceOf(error), true);
    return undefined;
  }
}

/** Do something again and again for as long as it can be seen. */
export class Again {
  constructor(act, milliseconds) {
    Object.assign(this, { act, milliseconds });
  }

  async start() {
    this.end();
    const mine = (this.mine = {});
    await this.act();
    if (mine === this.mine) this.timer = setTimeout(() => (document.hidden ? this.#wait() : this.start()), this.milliseconds);
  }

  end() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.heard);
    this.mine = null;
  }

  #wait() {
    this.heard = () => !document.hidden && this.start();
    document.addEventListener("visibilitychange", this.heard);
  }
}
