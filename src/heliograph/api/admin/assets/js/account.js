// One account: its money, its limits, its keys, and what operators did to it.

import { ask } from "../console/js/ask.js";
import { actButton, say } from "../console/js/say.js";
import { h, icon } from "../console/playground/js/dom.js";
import { actionsOf } from "./log.js";
import { badge, card, field, form, nothing, Pages, sheet, shown, time } from "./parts.js";
import * as service from "./service.js";
import { money, number, t } from "./text.js";

/** Randomness that pages have over plain HTTP, too. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Account {
  constructor(place) {
    this.title = h("h2", { id: "account-view-title", tabindex: -1 });
    this.code = h("code", { class: "soft" });
    this.figures = h("div", { class: "figures" });
    this.keys = h("div");
    this.deeds = new Pages((cursor) => service.log({ accountId: this.id, cursor, limit: 10 }), actionsOf, () => t("log.empty"));
    const back = h("a", { class: "back soft", href: "#/accounts" }, icon("left"), t("accounts"));
    const side = h("div", { class: "stack" }, this.#money(), this.#limits());
    const wide = h("div", { class: "stack" }, card(t("account.keys"), null, this.keys), card(t("account.deeds"), null, this.deeds.element));
    this.body = h("div", { class: "stack" }, this.figures, h("div", { class: "beside" }, wide, side));
    place.replaceChildren(h("div", { class: "heading" }, back, this.title, this.code), this.body);
  }

  async show({ id }) {
    this.id = id;
    this.repeatKey = newKey();
    this.title.textContent = this.code.textContent = "";
    this.body.hidden = true;
    await shown(async () => this.#draw(await service.account(id)));
    if (this.title.textContent) await this.deeds.begin();
    else this.title.textContent = t("account.none");
  }

  #draw({ account, keys }) {
    if (account.accountId !== this.id) return;
    this.account = account;
    this.body.hidden = false;
    this.title.textContent = account.name;
    this.code.textContent = account.accountId;
    this.most.value = account.maxLiveTasks;
    const figure = (key, value, note) => h("div", { class: "panel figure" }, h("h3", {}, t(key)), h("p", { class: "value" }, value), h("p", { class: "soft small" }, note));
    this.figures.replaceChildren(
      figure("account.balance", money(account.balance), t("account.balance.note")),
      figure("account.held", money(account.held), t("account.held.note")),
      figure("account.charged", money(account.charged), t("account.charged.note")),
      figure("account.live", number(account.liveTasks), t("account.live.note", { most: number(account.maxLiveTasks) })),
    );
    this.keys.replaceChildren(keys.length ? this.#keysOf(keys) : nothing(t("keys.none")));
  }

  #money() {
    const kind = h("select", {}, ["topup", "adjust"].map((name) => new Option(t(`credit.${name}`), name)));
    const amount = h("input", { type: "text", inputmode: "decimal", placeholder: "50.00", autocomplete: "off", required: true });
    const note = h("input", { type: "text", maxlength: 500, autocomplete: "off" });
    const act = async () => {
      const body = { kind: kind.value, amount: amount.value.trim(), note: note.value.trim() };
      if (!/^-?\d+([.]\d+)?$/.test(body.amount)) throw new Error(t("credit.amount.bad"));
      const question = t(`credit.${body.kind}.sure`, { amount: money(Number(body.amount)), name: this.account.name });
      if (!(await ask(question, [h("p", {}, t("credit.sure.text"))], t("credit.act"), { danger: false }))) return;
      this.#draw(await service.credit(this.id, body, this.repeatKey));
      this.repeatKey = newKey();
      amount.value = note.value = "";
      say(t("credit.done"));
      await this.deeds.begin();
    };
    return card(t("credit"), null, form([field(t("credit.kind"), kind), field(t("credit.amount"), amount), field(t("credit.note"), note)], t("credit.act"), act));
  }

  #limits() {
    this.most = h("input", { type: "number", min: 1, max: 1_000_000, step: 1, required: true });
    const act = async () => {
      if (!this.most.checkValidity()) throw new Error(t("limits.bad"));
      this.#draw(await service.limits(this.id, Number(this.most.value)));
      say(t("limits.done"));
      await this.deeds.begin();
    };
    return card(t("limits"), null, h("p", { class: "soft small" }, t("limits.text")), form([field(t("limits.most"), this.most)], t("limits.act"), act));
  }

  #keysOf(keys) {
    const heads = [[t("key")], [t("key.limits")], [t("key.made")], [t("key.used")], [t("key.state")]];
    const named = (key) => [h("b", {}, key.name), " ", h("code", { class: "soft" }, `hg_${key.test ? "test" : "live"}_${key.keyId}_…`)];
    const state = (key) =>
      key.usable
        ? actButton(t("revoke"), () => this.#revoke(key), { kind: "small", "aria-label": t("revoke.one", { name: key.name }) })
        : badge("failed", t(key.revokedTime ? "key.revoked" : "key.expired"));
    return sheet(t("account.keys"), heads, keys.map((key) => [named(key), h("ul", { class: "limits" }, limitsOf(key).map((line) => h("li", {}, line))), time(key.createTime), key.lastUsedTime ? time(key.lastUsedTime) : t("key.unused"), state(key)]));
  }

  async #revoke(key) {
    if (!(await ask(t("revoke.sure", { name: key.name }), [h("p", {}, t("revoke.text"))], t("revoke")))) return;
    await service.revoke(key.keyId);
    this.#draw(await service.account(this.id));
    say(t("revoke.done"));
    await this.deeds.begin();
  }
}

function limitsOf(key) {
  return [
    t("key.rate", { rate: number(key.rateLimitPerMinute) }),
    key.routing !== "auto" && t("key.route", { route: key.routing }),
    key.monthlyCap !== undefined && t("key.monthly", { cap: money(key.monthlyCap) }),
    key.totalCap !== undefined && t("key.total-cap", { cap: money(key.totalCap) }),
    key.models && key.models.join(", "),
    key.networks && key.networks.join(", "),
    key.expiresTime && [t("key.until"), " ", time(key.expiresTime)],
  ].filter(Boolean).map((line) => [line].flat()).map((line) => h("span", {}, line));
}
