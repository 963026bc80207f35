// What did not reach its receiver, whosever it is, and sending it again.

import { actButton, say } from "../console/js/say.js";
import { h } from "../console/playground/js/dom.js";
import { badge, card, field, form, Pages, time } from "./parts.js";
import * as service from "./service.js";
import { announce, t, tn } from "./text.js";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

export class Webhooks {
  constructor(place) {
    this.pages = new Pages((cursor) => service.webhooks({ cursor }), (items) => this.#draw(items), () => t("failed-webhooks.empty"));
    const told = h("div", { class: "stack" }, h("h2", { id: "webhooks-view-title", tabindex: -1 }, t("failed-webhooks")), this.pages.element);
    place.replaceChildren(h("div", { class: "beside" }, told, this.#all()));
  }

  async show() {
    announce(tn("failed-webhooks.found", await this.pages.begin()));
  }

  #draw(items) {
    return h("div", { class: "deliveries" }, items.map((item) => this.#delivery(item)));
  }

  #delivery({ accountId, delivery }) {
    const what = delivery.taskId ? t("delivery.task", { id: `${delivery.taskId.slice(0, 8)}…${delivery.taskId.slice(-4)}` }) : delivery.event;
    const last = delivery.attempts.at(-1);
    const again = actButton(t("resend"), () => this.#resend(delivery.id), { kind: "small", "aria-label": t("resend.one", { what }) });
    const head = h("div", {}, h("h3", {}, what), h("p", { class: "to" }, h("code", {}, delivery.url)), h("p", { class: "soft small" }, h("a", { href: `#/accounts/${accountId}` }, accountId), " · ", time(delivery.createTime), " · ", tn("attempts", delivery.attempts.length)));
    const why = delivery.reason ?? last?.error;
    return h("article", { class: "delivery" }, h("header", {}, head, h("div", { class: "act" }, badge("failed", t("delivery.dead")), again)), why ? h("p", { class: "remark", lang: "en" }, why) : null);
  }

  async #resend(id) {
    await service.resend(id);
    say(t("resend.done"));
    await this.pages.begin();
  }

  #all() {
    const local = Date.now() - DAY_MS - new Date().getTimezoneOffset() * MINUTE_MS;
    const since = h("input", { type: "datetime-local", value: new Date(local).toISOString().slice(0, 16), required: true });
    const account = h("input", { type: "text", placeholder: "acc_…", autocomplete: "off", spellcheck: "false" });
    const url = h("input", { type: "url", autocomplete: "off", spellcheck: "false" });
    const act = async () => {
      const moment = new Date(since.value).getTime();
      if (Number.isNaN(moment)) throw new Error(t("resend-all.when"));
      const only = Object.fromEntries([["accountId", account.value.trim()], ["url", url.value.trim()]].filter(([, value]) => value));
      const { resent } = await service.resendAll({ since: moment, ...only });
      say(tn("resent", resent));
      await this.pages.begin();
    };
    return card(t("resend-all.title"), null, h("p", { class: "soft small" }, t("resend-all.text")), form([field(t("resend-all.since"), since), field(t("resend-all.account"), account), field(t("resend-all.only"), url)], t("resend-all.act"), act));
  }
}
