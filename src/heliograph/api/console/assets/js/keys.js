// The keys of the account, in the hands of its owner: made, limited, replaced and revoked. A key is shown once.

import { find, h, newId } from "../playground/js/dom.js";
import { ask } from "./ask.js";
import { field, formCard } from "./hooks.js";
import { KeyFields } from "./keyform.js";
import { keyOf } from "./limits.js";
import { actButton, copyButton, press, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { ago, announce, moment, money, t, tn } from "./text.js";

const KEEP_HOURS = [0, 1, 24, 72, 168];
const TONES = { active: "success", revoked: "failed", expired: "none" };

export class Keys {
  /** `owned`: who is signed in may change keys. */
  constructor(owned) {
    this.owned = owned;
    this.title = h("h2", { id: "keys-title", tabindex: -1 }, t("keys"));
    this.fresh = h("div", { class: "fresh", "aria-live": "polite" });
    this.list = h("div", { class: "keys" });
    this.aside = h("div", { class: "aside" });
    find("#keys").replaceChildren(h("div", { class: "told" }, this.title, this.fresh, this.list), this.aside);
  }

  async show() {
    if (!this.owned) return this.list.replaceChildren(notOwned());
    this.list.setAttribute("aria-busy", "true");
    try {
      await Promise.all([this.#read(), this.#form()]);
      announce(tn("keys.found", this.list.children.length));
    } catch (error) {
      say(sentenceOf(error), true);
    }
    this.list.removeAttribute("aria-busy");
  }

  /** A key that was just shown is not shown again. */
  leave() {
    this.fresh.replaceChildren();
  }

  async #read() {
    const { items } = await service.keys();
    this.list.replaceChildren(...items.map((key) => this.#card(key)));
  }

  /** The form for a new key, emptied after each; the models are known by then. */
  async #form() {
    this.models ??= (await service.prices()).items.map((model) => model.modelId);
    const fields = new KeyFields(this.models);
    const card = formCard("newkey", fields.elements, async () => {
      await this.#shown(await service.createKey(fields.body), "newkey.made");
      await this.#form();
      return [];
    });
    this.aside.replaceChildren(card);
  }

  /** Show a new key this once, and the list with it. */
  async #shown({ apiKey, key }, message) {
    const title = h("h3", { tabindex: -1 }, t(message, { name: key.name }));
    this.fresh.replaceChildren(h("section", { class: "panel once", "aria-label": t("newkey.once") }, title, h("p", {}, t("newkey.once")), h("code", { class: "secret" }, apiKey), copyButton(apiKey)));
    await this.#read();
    title.focus();
  }

  #card(key) {
    const id = newId("key");
    const tone = TONES[key.state];
    const head = h(
      "header",
      {},
      h("div", {}, h("h3", { id }, key.name), h("p", { class: "soft small" }, h("code", {}, `${key.prefix}_…`), ` · ${t("key.created", { time: moment(key.createdTime) })} · ${usedOf(key)}`)),
      h("span", { class: "state", "data-state": tone }, t(`key.state.${key.state}`)),
    );
    const about = h("details", { class: "fold" }, h("summary", {}, summaryOf(key)), keyOf(key));
    const card = h("article", { class: "panel key-card", "aria-labelledby": id, "data-state": key.state }, head, about);
    if (key.state === "active") card.append(this.#tools(key, card));
    return card;
  }

  #tools(key, card) {
    const named = (name) => ({ kind: "small", "aria-label": `${t(name)}: ${key.name}` });
    const change = h("button", { type: "button", class: "button small", "aria-label": `${t("key.change")}: ${key.name}`, onclick: () => this.#change(key, card) }, t("key.change"));
    return h("div", { class: "choices start" }, change, actButton(t("key.rotate"), () => this.#rotate(key), named("key.rotate")), actButton(t("key.revoke"), () => this.#revoke(key), named("key.revoke")));
  }

  /** The form that changes a key, in the place of its buttons. */
  #change(key, card) {
    const fields = new KeyFields(this.models, key);
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const save = h("button", { type: "submit", class: "button main" }, t("key.save"));
    const submit = (event) => {
      event.preventDefault();
      problem.hidden = true;
      press(save, () => this.#save(key, fields.body, card), (sentence) => Object.assign(problem, { textContent: sentence, hidden: false }));
    };
    const stop = h("button", { type: "button", class: "button", onclick: () => this.#put(key, card) }, t("no"));
    card.lastElementChild.replaceWith(h("form", { class: "change", onsubmit: submit, novalidate: true }, fields.elements, problem, h("div", { class: "choices start" }, save, stop)));
    fields.name.focus();
  }

  async #save(key, body, card) {
    this.#put(await service.changeKey(key.keyId, body), card);
    say(t("key.saved"));
  }

  /** Draw a key anew in the place of its card. */
  #put(key, card) {
    const now = this.#card(key);
    card.replaceWith(now);
    find(".choices button", now)?.focus();
  }

  async #rotate(key) {
    const hours = h("select", {}, KEEP_HOURS.map((count) => new Option(count ? tn("hours", count) : t("at-once"), count, count === 24, count === 24)));
    const content = [h("p", {}, t("key.rotate.what")), field(t("key.rotate.keep"), hours)];
    if (!(await ask(t("key.rotate.sure", { name: key.name }), content, t("key.rotate"), { danger: false }))) return;
    await this.#shown(await service.rotateKey(key.keyId, Number(hours.value)), "newkey.rotated");
  }

  async #revoke(key) {
    if (!(await ask(t("key.revoke.sure", { name: key.name }), [h("p", {}, t("key.revoke.what"))], t("key.revoke.yes")))) return;
    await service.revokeKey(key.keyId);
    await this.#read();
    this.title.focus();
    say(t("key.revoked", { name: key.name }));
  }
}

/** When the key was used last. */
const usedOf = ({ lastUsedTime }) => (lastUsedTime ? t("key.used", { time: ago(lastUsedTime) }) : t("key.unused"));

/** The limits of a key in a line. */
function summaryOf(key) {
  const limits = [
    key.test ? t("key.kind.test") : null,
    key.monthlyCap === undefined ? null : t("key.sum.month", { spent: money(key.spentThisMonth), most: money(key.monthlyCap) }),
    key.totalCap === undefined ? null : t("key.sum.total", { spent: money(key.spentTotal), most: money(key.totalCap) }),
    key.expiresTime ? t("key.sum.until", { time: moment(key.expiresTime) }) : null,
    key.models || key.networks ? t("key.sum.narrow") : null,
  ].filter(Boolean);
  return limits.join(" · ") || t("key.sum.free");
}

function notOwned() {
  return h("div", { class: "panel empty" }, h("p", { class: "hero" }, t("keys.owner")), h("p", { class: "soft" }, t("keys.owner.why")), h("p", {}, t("keys.owner.how"), " ", h("code", {}, "heliograph account sign-in acc_…")));
}
