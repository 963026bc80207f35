// One task: what was asked, how far it is, its pictures or why there are none, and what can be done next.

import * as api from "./api.js";
import { findAll, h, icon, iconButton } from "./dom.js";
import { saveAll, saveOne } from "./download.js";
import { isOpen } from "./follow.js";
import { ticking } from "./elapsed.js";
import { made, reasonOf, receiptOf, shortfallOf, shown } from "./outcome.js";
import { announce, duration, has, moment, money, percent, t, tn } from "./text.js";
import { openViewer } from "./viewer.js";

export class Card {
  /** `actions`: `reuse(task)`, `again(task)`, `reference(url)`, `removed()`. */
  constructor(task, actions) {
    Object.assign(this, { task: {}, actions });
    this.state = h("span", { class: "state" });
    this.facts = h("p", { class: "facts soft" });
    this.tiles = h("ul", { class: "tiles" });
    this.below = h("div", { class: "outcome" });
    this.tools = h("div", { class: "tools" });
    const id = `task-${task.taskId}`;
    const head = h("header", {}, h("div", {}, h("h3", { id, class: "prompt", lang: "" }, task.prompt ?? t("deleted")), this.facts), this.state);
    this.element = h("article", { class: "card", "aria-labelledby": id, tabindex: -1 }, head, this.tiles, this.below, this.tools);
    this.show(task);
  }

  /** Bring the card up to `task`, which may be an event's part of it. */
  show(task) {
    const before = this.task;
    this.task = { ...before, ...task, queuePosition: task.queuePosition };
    this.#state();
    this.#tiles(before);
    if (before.state !== this.task.state) this.#around();
  }

  /** What a screen reader says when the task has ended. */
  ending() {
    const { state, images, failCode } = this.task;
    if (state === "success") return tn("ended.success", made(images).length);
    return `${t("ended.failed")} ${reasonOf(failCode)}`;
  }

  #state() {
    const { state, queuePosition, progress, createTime } = this.task;
    const place = queuePosition ? ` · ${t("queue", { position: queuePosition })}` : "";
    const done = progress?.length ? ` · ${percent(progress.reduce((sum, share) => sum + share, 0) / this.task.numImages)}` : "";
    const text = this.#cancelled() ? t("state.cancelled") : this.#partial() ? t("state.partial") : t(`state.${state}`);
    this.state.dataset.state = this.#cancelled() ? "cancelled" : this.#partial() ? "partial" : state;
    this.state.replaceChildren(text + place + done);
    if (isOpen(this.task)) this.state.append(ticking(createTime));
  }

  #cancelled = () => this.task.failCode === "Cancelled";
  #partial = () => this.task.state === "success" && made(this.task.images).length < this.task.numImages;

  #tiles(before) {
    const { state, numImages, images, progress } = this.task;
    if (state === "failed" && !made(images).length) return this.tiles.replaceChildren();
    const fresh = before.state !== state || findAll("li", this.tiles).length !== numImages;
    if (fresh && isOpen(this.task)) this.tiles.replaceChildren(...Array.from({ length: numImages }, (_, index) => this.#waiting(index)));
    if (fresh && !isOpen(this.task)) this.tiles.replaceChildren(...(images ?? []).map((image, index) => this.#tile(image, index)));
    if (isOpen(this.task)) findAll("li", this.tiles).forEach((tile, index) => rise(tile, progress?.[index] ?? 0));
  }

  /** A place for a picture that is on its way: a sun that rises as it gets done. */
  #waiting(index) {
    const bar = { role: "progressbar", "aria-label": t("picture.number", { number: index + 1 }), "aria-valuemin": 0, "aria-valuemax": 100 };
    const tile = h("li", { class: "tile waiting" }, h("span", { class: "sky", ...bar }, h("span", { class: "sun" }), h("span", { class: "share" })));
    tile.style.setProperty("--ratio", this.task.aspectRatio.replace(":", " / "));
    return tile;
  }

  #tile(image, index) {
    if (!image.url) return this.#missing(image, index);
    const url = shown(image);
    const alt = t("picture.of", { number: index + 1, count: this.task.numImages, prompt: this.task.prompt ?? t("deleted") });
    const gone = (event) => event.target.replaceWith(h("span", { class: "gone" }, icon("picture"), t("picture.gone")));
    const picture = h("img", { src: url, alt, width: image.width, height: image.height, loading: "lazy", decoding: "async", onerror: gone });
    const open = h("button", { type: "button", class: "open", "data-index": index, onclick: () => openViewer(this.task, index, this.actions) }, picture);
    const tools = [
      iconButton("reference", t("use-reference.number", { number: index + 1 }), () => this.actions.reference(image.url)),
      iconButton("download", t("download.number", { number: index + 1 }), () => saveOne(this.task, index)),
    ];
    return h("li", { class: "tile" }, open, h("div", { class: "over" }, tools));
  }

  #missing(image, index) {
    const tile = h("li", { class: "tile missing" }, h("div", {}, icon("warning"), h("b", {}, t("picture.failed", { number: index + 1 })), h("span", {}, reasonOf(image.failCode)), image.failMsg ? h("span", { class: "soft", lang: "en" }, image.failMsg) : null));
    tile.style.setProperty("--ratio", this.task.aspectRatio.replace(":", " / "));
    return tile;
  }

  #around() {
    const { mode, aspectRatio, numImages, createTime, costTime, test, engine } = this.task;
    const kind = has(`mode.${mode}`) ? t(`mode.${mode}`) : mode;
    const parts = [moment(createTime), kind, aspectRatio, tn("pictures", numImages), costTime && duration(costTime / 1000), engine, this.#cost(), test && t("test.badge")];
    this.facts.textContent = parts.filter(Boolean).join(" · ");
    this.below.replaceChildren(...(isOpen(this.task) ? [] : shortfallOf(this.task)));
    this.tools.replaceChildren(...this.#actions());
  }

  #cost() {
    const { state, price, images, test } = this.task;
    return isOpen(this.task) || test || state === "failed" ? null : money(price * made(images).length);
  }

  #actions() {
    const button = (name, key, act) => iconButton(name, t(key), act, { quiet: false });
    if (isOpen(this.task)) return [button("stop", "cancel", (event) => this.#cancel(event.currentTarget))];
    const several = made(this.task.images).length > 1;
    return [
      this.task.prompt && button("seed", "another-seed", () => this.actions.again(this.task)),
      this.task.prompt && button("form", "reuse", () => this.actions.reuse(this.task)),
      several && button("download", "download.all", () => saveAll(this.task)),
      receiptOf(this.task),
      iconButton("bin", t("delete"), (event) => this.#delete(event.currentTarget)),
    ].filter(Boolean);
  }

  async #cancel(button) {
    button.disabled = true;
    try {
      await api.cancel(this.task.model, this.task.taskId);
      this.element.focus();
    } catch (error) {
      // 409: it has ended in the meantime, which the events will show.
      if (error.code !== 409) announce(error.message);
      button.disabled = false;
    }
  }

  /** The first press asks, the second does. */
  async #delete(button) {
    if (!button.classList.contains("sure")) {
      button.classList.add("sure");
      button.append(h("span", {}, t("delete.sure")));
      button.setAttribute("aria-label", t("delete.sure"));
      button.addEventListener("blur", () => this.tools.contains(button) && this.tools.replaceChildren(...this.#actions()), { once: true });
      return announce(t("delete.sure"));
    }
    try {
      await api.remove(this.task.taskId);
      this.actions.removed();
    } catch (error) {
      announce(error.message);
    }
  }
}

function rise(tile, share) {
  const bar = tile.firstElementChild;
  tile.style.setProperty("--done", share);
  tile.classList.toggle("begun", share > 0);
  bar.setAttribute("aria-valuenow", Math.round(share * 100));
  bar.lastElementChild.textContent = share > 0 ? percent(share) : "";
}
