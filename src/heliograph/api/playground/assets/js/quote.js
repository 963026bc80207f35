// What the request would cost, before anything is spent: at once from the price list, then from the server.

import * as api from "./api.js";
import { find } from "./dom.js";
import { money, number, t, tn } from "./text.js";

const PAUSE_MS = 500;

export class Price {
  constructor(request, account, form) {
    Object.assign(this, { request, account, form, timer: null, asking: null });
    request.addEventListener("change", () => this.renew());
    account.addEventListener("change", () => this.renew());
  }

  renew() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.#show(this.#estimate());
    if (this.account.key && !this.#isIncomplete()) this.timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  #isIncomplete() {
    return this.request.fields.some((field) => field.required && !String(this.request.value(field) ?? "").trim());
  }

  /** From the price list; null before it is known. */
  #estimate() {
    const count = Number(this.request.body.input.num_images ?? 1);
    const each = this.account.priceOf(this.request.model, this.request.mode);
    if (each === null) return { count };
    const price = each * count;
    return { count, price, balance: this.account.balance, affordable: this.account.balance === null || price <= this.account.balance + 1e-9 };
  }

  async #ask() {
    this.asking = new AbortController();
    try {
      const quote = await api.quote(this.request.model.id, this.request.body, this.asking.signal);
      this.#show({ ...quote, count: quote.numImages });
    } catch (error) {
      // Here a refusal is only early news: whoever submits is told all of it.
      if (error.code === 400 && error.field) this.form.hint(error.field, error.sentence);
    }
  }

  #show({ count, price, balance, affordable = true, expectedSeconds }) {
    const label = tn("make", count);
    const cost = price === undefined ? "" : price ? money(price) : t("free");
    find("#make-label").textContent = label;
    find("#make-price").textContent = cost;
    const left = price && typeof balance === "number" ? [t(...afterwards(price, balance, affordable))] : [];
    const time = expectedSeconds ? [expected(number(expectedSeconds.p50), number(expectedSeconds.p90))] : [];
    const note = find("#price-note");
    note.textContent = [...left, ...time].join(" · ") || (this.account.test ? t("test.note") : "");
    note.classList.toggle("problem", !affordable);
  }
}

/** How long it usually takes, from half of the tasks to nine tenths of them; often that is the same. */
function expected(from, to) {
  return from === to ? t("expected.even", { to }) : t("expected", { from, to });
}

/** What remains, or what is in the way: too little money, or a cap of the key. */
function afterwards(price, balance, affordable) {
  if (affordable) return ["balance.after", { balance: money(balance), after: money(balance - price) }];
  return price > balance + 1e-9 ? ["balance.short", { balance: money(balance) }] : ["cap.short"];
}
