// One task, whole: its pictures, what happened, what it cost, what was asked, and who was told.

import { find, h, icon } from "../playground/js/dom.js";
import { saveAll } from "../playground/js/download.js";
import { follow, isOpen } from "../playground/js/follow.js";
import { made, shortfallOf } from "../playground/js/outcome.js";
import { ask } from "./ask.js";
import { askedOf } from "./asked.js";
import { Delivery } from "./delivery.js";
import { tilesOf } from "./pictures.js";
import { receiptOf } from "./receipt.js";
import { actButton, say, sentenceOf } from "./say.js";
import * as service from "./service.js";
import { badge, cost, facts, playgroundWith, requestOf } from "./task.js";
import { announce, moment, t, tn } from "./text.js";
import { timelineOf } from "./timeline.js";

export class Detail {
  /** `heard(task)` is called with every change of the task; `back()` is the address to go back to. */
  constructor(heard, back) {
    Object.assign(this, { heard, back, task: null, stop: new AbortController(), root: find("#task") });
  }

  /** Show the task of a place, and what becomes of it. */
  async show({ id }) {
    this.leave();
    const { signal } = (this.stop = new AbortController());
    if (this.task?.taskId !== id) this.root.replaceChildren(h("div", { class: "panel loading", "aria-busy": "true" }, h("h2", { id: "task-title", tabindex: -1 }, t("loading"))));
    try {
      await this.#read(id, signal);
      if (isOpen(this.task)) await follow(this.task, (task) => signal.aborted || this.#change(task), signal);
    } catch (error) {
      if (!signal.aborted) this.#trouble(error);
    }
  }

  leave() {
    this.stop.abort();
  }

  async #read(id, signal) {
    const task = await service.task(id);
    if (signal.aborted) return;
    this.task = task;
    this.#draw();
  }

  #change(task) {
    const ended = isOpen(this.task) && !isOpen(task);
    this.task = { ...this.task, ...task, queuePosition: task.queuePosition, progress: task.progress };
    this.heard(task);
    if (!isOpen(this.task)) this.#draw();
    else {
      find(".heading .state", this.root).replaceWith(badge(this.task));
      find(".tiles", this.root).replaceChildren(...tilesOf(this.task, reference));
    }
    if (ended) announce(this.task.state === "success" ? tn("ended.success", made(this.task.images).length) : t("ended.failed"));
  }

  #trouble(error) {
    this.task = null;
    const back = h("a", { class: "button", href: this.back() }, t("back"));
    this.root.replaceChildren(h("div", { class: "panel empty" }, h("h2", { id: "task-title", tabindex: -1 }, error.code === 404 ? t("task.none") : sentenceOf(error)), back));
  }

  #draw() {
    const { task } = this;
    const focused = this.root.contains(document.activeElement);
    const card = (name, ...content) => h("section", { class: "panel part", "aria-labelledby": `part-${name}` }, h("h3", { id: `part-${name}` }, t(`part.${name}`)), ...content);
    this.root.replaceChildren(
      h("div", { class: "panel main-part" }, this.#heading(), h("ul", { class: "tiles" }, tilesOf(task, reference)), h("div", { class: "outcome" }, isOpen(task) ? [] : shortfallOf({ ...task, warnings: [] })), understood(task), this.#tools()),
      h("div", { class: "parts" }, card("timeline", ...timelineOf(task)), h("div", { class: "stack" }, card("receipt", receiptOf(task)), card("request", ...askedOf(task))), task.webhook ? this.#told(card) : null),
    );
    if (focused) find("#task-title").focus();
  }

  #heading() {
    const { task } = this;
    const back = h("a", { class: "back", href: this.back() }, icon("left"), t("back"));
    const title = h("h2", { id: "task-title", tabindex: -1, lang: "", class: task.prompt ? "asked-for" : "asked-for soft" }, task.prompt ?? t("deleted"));
    const about = h("p", { class: "facts soft" }, `${moment(task.createTime)} · ${facts(task)} · ${cost(task)}`);
    return h("div", { class: "heading" }, h("div", { class: "bar" }, back, badge(task)), title, about);
  }

  #tools() {
    const { task } = this;
    const again = task.prompt && playgroundWith(task.model, requestOf(task));
    const open = isOpen(task);
    return h(
      "div",
      { class: "choices start" },
      again ? h("a", { class: "button main", href: again }, icon("form"), t("open-playground")) : null,
      !open && made(task.images).length ? actButton([icon("download"), made(task.images).length > 1 ? t("download.all") : t("download")], () => saveAll(task)) : null,
      open ? actButton([icon("stop"), t("cancel")], () => this.#cancel()) : null,
      !open && !task.dataDeletedTime ? actButton([icon("bin"), t("delete-data")], () => this.#delete(), { kind: "ghost" }) : null,
    );
  }

  #told(card) {
    const delivery = new Delivery({ ...this.task.webhook, createTime: this.task.completeTime, taskId: this.task.taskId, attempts: this.task.webhook.attempts.map((attempt, index) => ({ number: index + 1, ...attempt })) }, { whole: true });
    // The task tells of the attempts; only the delivery itself knows what the receiver said.
    service.delivery(this.task.webhook.id).then((whole) => delivery.show(whole), () => {});
    const part = card("webhook", delivery.element);
    part.classList.add("wide");
    return part;
  }

  async #cancel() {
    try {
      await service.cancel(this.task.model, this.task.taskId);
    } catch (error) {
      // 409: it has ended in the meantime, which the events will show.
      if (error.code !== 409) throw error;
    }
  }

  async #delete() {
    const list = (title, text) => h("div", {}, h("h3", {}, title), h("p", {}, text));
    const consequences = [list(t("delete.goes"), t("delete.goes.what")), list(t("delete.stays"), t("delete.stays.what"))];
    if (!(await ask(t("delete.title"), consequences, t("delete.yes")))) return;
    await service.remove(this.task.taskId);
    await this.#read(this.task.taskId, this.stop.signal);
    this.heard({ ...this.task, prompt: undefined });
    say(t("delete.done"));
  }
}

/** Start a new request from a picture. */
function reference(url) {
  const mode = "image-to-image";
  location.assign(playgroundWith(null, { input: { mode, prompt: "", image_urls: [url] } }));
}

/** What the engine drew of the words, and what it could not. */
function understood({ scene, warnings }) {
  if (!scene && !warnings?.length) return null;
  const remarks = (warnings ?? []).map((warning) => h("li", { lang: "en" }, icon("warning"), warning));
  return h("div", { class: "understood" }, scene ? h("p", {}, h("b", {}, t("scene")), " ", h("span", { lang: "en" }, scene)) : null, remarks.length ? h("ul", { class: "warnings", "aria-label": t("warnings") }, remarks) : null);
}
