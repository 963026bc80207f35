// All accounts: found by name, by id, or by the id of a key.

import { hashOf } from "../console/js/place.js";
import { h } from "../console/playground/js/dom.js";
import { Pages, sheet, shortTime } from "./parts.js";
import * as service from "./service.js";
import { announce, money, number, t, tn } from "./text.js";

const PAUSE_MS = 250;

export class Accounts {
  constructor(place) {
    this.pages = new Pages(
      (cursor) => service.accounts({ q: this.words, cursor }),
      table,
      () => t(this.words ? "accounts.nothing" : "accounts.empty"),
    );
    this.search = h("input", { type: "search", placeholder: t("accounts.search"), "aria-label": t("accounts.search"), autocomplete: "off", spellcheck: "false", maxlength: 100, oninput: () => this.#typed() });
    const title = h("h2", { id: "accounts-title", tabindex: -1 }, t("accounts"));
    place.replaceChildren(h("div", { class: "bar" }, title, h("div", { class: "finder", role: "search" }, this.search)), h("div", { class: "panel" }, this.pages.element));
  }

  async show({ query }) {
    this.words = query.q ?? "";
    this.search.value = this.words;
    await this.#read();
  }

  leave() {
    clearTimeout(this.timer);
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.words = this.search.value.trim();
      history.replaceState(null, "", hashOf("accounts", { q: this.words }));
      this.#read();
    }, PAUSE_MS);
  }

  async #read() {
    announce(tn("accounts.found", await this.pages.begin()));
  }
}

function table(items) {
  const heads = [[t("account")], [t("since")], [t("account.keys"), true], [t("account.live"), true], [t("account.held"), true], [t("account.balance"), true]];
  const name = ({ accountId, name }) => h("a", { class: "named", href: `#/accounts/${accountId}` }, h("b", {}, name), " ", h("code", { class: "soft" }, accountId));
  const rows = items.map((one) => [name(one), shortTime(one.createTime), number(one.keys), t("of", { part: number(one.liveTasks), whole: number(one.maxLiveTasks) }), money(one.held), money(one.balance)]);
  return sheet(t("accounts"), heads, rows);
}
