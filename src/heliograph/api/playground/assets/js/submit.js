// Sending the request: once, even if the answer is lost; and what to say when the service says no.

import * as api from "./api.js";
import { online } from "./connection.js";
import { find, h } from "./dom.js";
import { announce, has, money, t, tn } from "./text.js";

export class Submit {
  /** `check` says whether the form can be sent; `done(task)` takes the new task. */
  constructor({ request, account, form, check, done }) {
    Object.assign(this, { request, account, form, check, done, busy: false, sent: null, ticking: null });
    this.notice = find("#notice");
    find("#make").addEventListener("click", () => this.send());
    document.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.send());
    request.addEventListener("change", () => this.#clear());
  }

  async send() {
    if (this.busy || !this.check()) return;
    if (!this.account.key) {
      announce(t("key.first"));
      return find("#key").focus();
    }
    this.#clear();
    this.#busy(true);
    try {
      await this.#send(this.request.model.id, this.request.body);
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#busy(false);
    }
  }

  /** Submit a body; a person who sends the same once more after a lost answer pays once. */
  async #send(model, body) {
    const text = JSON.stringify({ model, body });
    if (this.sent?.text !== text) this.sent = { text, key: newKey() };
    const { taskId } = await api.submit(model, body, this.sent.key);
    this.sent = null;
    announce(t("sent"));
    this.account.refresh();
    this.done(await this.#read(taskId));
  }

  /** The task that was accepted; once it is paid for, a lost connection must not lose it. */
  async #read(taskId) {
    for (;;) {
      try {
        return await api.task(taskId);
      } catch (error) {
        if (!(error instanceof api.Offline) && error.code < 500) throw error;
        await online();
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  #refused(error) {
    if (error instanceof api.Offline) return this.#say("offline", t("offline.title"), h("p", {}, t("offline.safe")));
    // After a 5xx the task may have been accepted: the same key finds it again.
    if (error.code < 500) this.sent = null;
    if (error.code === 401) return this.account.leave(t("key.bad"));
    if (error.code === 400 && error.field && this.form.refuse(error.field, error.sentence)) return announce(error.sentence);
    const title = `refused.${error.code}`;
    const id = error.requestId && !error.sentence.includes(error.requestId) ? h("p", { class: "soft small" }, t("request-id", { id: error.requestId })) : "";
    this.#say(error.code, t(has(title) ? title : "refused.other"), h("p", { lang: error.language }, error.sentence), this.#cure(error), id);
  }

  /** A button that mends what was wrong, where one can. */
  #cure(error) {
    if (error.code === 402) return this.#fewer();
    if (error.retryAfterSeconds) return this.#later(error.retryAfterSeconds);
    return this.#button(t("again"), () => this.send());
  }

  #fewer() {
    const field = this.request.fields.find((one) => one.kind === "count");
    const each = this.account.priceOf(this.request.model, this.request.mode);
    const most = Math.min(Number(this.request.value(field)) - 1, Math.floor(this.account.balance / each + 1e-9));
    if (!(most >= field.least)) return h("p", {}, t("cure.top-up"));
    return this.#button(tn("cure.fewer", most, { price: money(most * each) }), () => (this.request.set(field, most), this.send()));
  }

  #later(seconds) {
    const button = this.#button("", () => this.send());
    let left = seconds;
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? t("again.in", { seconds: left }) : t("again");
      if (left-- <= 0) clearInterval(this.ticking);
    };
    tick();
    this.ticking = setInterval(tick, 1000);
    return button;
  }

  #button(label, onclick) {
    return h("button", { type: "button", class: "button small", onclick }, label);
  }

  #say(kind, title, ...parts) {
    this.notice.replaceChildren(h("b", {}, title), ...parts);
    this.notice.dataset.kind = kind;
    this.notice.hidden = false;
    this.notice.scrollIntoView({ block: "nearest" });
  }

  #clear() {
    clearInterval(this.ticking);
    this.notice.hidden = true;
  }

  #busy(on) {
    this.busy = on;
    find("#make").setAttribute("aria-busy", String(on));
  }
}

/** Randomness that pages have over plain HTTP, too, where crypto.randomUUID is missing. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
