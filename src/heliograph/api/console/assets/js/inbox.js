// A receiver of the server's own, to see what receivers get: messages as they come, and whether their signature is good.

import { find, h, icon } from "../playground/js/dom.js";
import { online } from "../playground/js/connection.js";
import { actButton, copyButton, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { playgroundWith } from "./task.js";
import { announce, clock, moment, t, tn } from "./text.js";

const NAME = "heliograph-inbox";
const WAIT_SECONDS = 30;

export class Inbox {
  constructor(accountId) {
    this.accountId = accountId;
    this.stop = new AbortController();
    this.list = h("ol", { class: "messages", "aria-label": t("inbox.messages"), reversed: true });
    this.about = h("div", { class: "panel part inbox-head" });
    const title = h("h2", { id: "inbox-title", tabindex: -1 }, t("inbox"));
    find("#inbox").replaceChildren(title, this.about, this.list);
  }

  show() {
    const kept = JSON.parse(sessionStorage.getItem(NAME) ?? "null");
    if (kept && kept.accountId === this.accountId && kept.expiresTime > Date.now()) this.#listen(kept);
    else this.#closed();
  }

  leave() {
    this.stop.abort();
  }

  #closed() {
    this.list.replaceChildren();
    const open = actButton(t("inbox.open"), () => this.#open(), { kind: "main" });
    this.about.replaceChildren(h("p", { class: "hero" }, t("inbox.hero")), h("p", { class: "soft" }, t("inbox.text")), h("div", { class: "choices start" }, open));
  }

  async #open() {
    this.leave();
    const inbox = { ...(await service.openInbox()), accountId: this.accountId };
    sessionStorage.setItem(NAME, JSON.stringify(inbox));
    await this.#listen(inbox);
  }

  #listen(inbox) {
    this.leave();
    const { signal } = (this.stop = new AbortController());
    const prompt = t("inbox.prompt");
    const task = playgroundWith(null, { request_type: "callback", callback_url: inbox.url, input: { mode: "text-to-image", prompt, num_images: 1 } });
    this.waiting = h("p", { class: "listening soft" }, h("span", { class: "pulse", "aria-hidden": "true" }), t("inbox.listening"));
    this.about.replaceChildren(
      h("div", { class: "address-line" }, h("code", { id: "inbox-url" }, inbox.url), copyButton(inbox.url)),
      h("p", { class: "soft small" }, t("inbox.until", { time: moment(inbox.expiresTime) })),
      h("div", { class: "choices start" }, actButton(t("inbox.test"), () => service.test(inbox.url), { kind: "main" }), h("a", { class: "button", href: task }, t("inbox.task")), actButton(t("inbox.new"), () => this.#open(), { kind: "ghost" })),
      this.waiting,
    );
    this.list.replaceChildren();
    this.#read(inbox, signal);
  }

  /** Read what is there, then wait for more, until the place is left or the inbox is over. */
  async #read(inbox, signal) {
    let [after, wait] = [0, 0];
    while (!signal.aborted) {
      try {
        const { items } = await service.messages(inbox.inboxId, after, wait, signal);
        if (signal.aborted) return;
        this.list.prepend(...items.map(messageOf).reverse());
        if (wait && items.length) announce(tn("inbox.came", items.length));
        after = items.at(-1)?.id ?? after;
        wait = items.length ? wait : WAIT_SECONDS;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof service.Offline) await online();
        else if (error.code === 404) return sessionStorage.removeItem(NAME), this.#closed();
        else return say(sentenceOf(error), true);
      }
    }
  }
}

function messageOf({ time, headers, body, signatureValid }) {
  const told = read(body);
  const verdict = signatureValid ? "good" : headers["webhook-signature"] ? "bad" : "none";
  const signature = h("span", { class: "state", "data-state": signatureValid ? "success" : "failed" }, icon(signatureValid ? "check" : "warning"), t(`signature.${verdict}`));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const pretty = told ? JSON.stringify(told, null, 2) : body;
  const task = told?.data?.taskId;
  return h(
    "li",
    { class: "panel message" },
    h("header", {}, h("div", {}, h("h3", {}, subjectOf(told)), h("p", { class: "soft small" }, h("time", { datetime: new Date(time).toISOString() }, clock(time)), task ? [" · ", h("a", { href: `#/tasks/${task}` }, t("inbox.see-task"))] : null)), signature),
    h("details", { class: "fold" }, h("summary", {}, t("message.whole")), h("div", { class: "listing" }, h("pre", { tabindex: 0, "aria-label": t("message.headers") }, lines.join("\n")), h("pre", { tabindex: 0, "aria-label": t("message.body") }, pretty))),
  );
}

/** What a message is about: a task's end, or an event. */
function subjectOf(told) {
  if (told?.type) return told.type;
  const { taskId, state } = told?.data ?? {};
  return taskId ? `${t("delivery.task", { id: `${taskId.slice(0, 8)}…${taskId.slice(-4)}` })}: ${t(`state.${state}`)}` : t("message.other");
}

function read(body) {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
