// One task in the history: a picture of it, what was asked, and how it ended.

import { h, icon } from "../playground/js/dom.js";
import { made, shown } from "../playground/js/outcome.js";
import { isOpen } from "../playground/js/follow.js";
import { badge, cost, facts } from "./task.js";
import { hour, t } from "./text.js";

export class Row {
  constructor(task) {
    this.link = h("a", { class: "row", href: `#/tasks/${task.taskId}` });
    this.element = h("li", {}, this.link);
    this.show(task);
  }

  /** Bring the row up to `task`, which may be an event's part of it. */
  show(task) {
    const before = this.task ?? {};
    this.task = { ...before, ...task, queuePosition: task.queuePosition, progress: task.progress };
    const same = before.state === this.task.state && before.dataDeletedTime === this.task.dataDeletedTime;
    const picture = same ? this.link.firstElementChild : thumbnail(this.task);
    const words = h("span", { class: "prompt", lang: "" }, this.task.prompt ?? t("deleted"));
    const when = h("time", { datetime: new Date(this.task.createTime).toISOString() }, hour(this.task.createTime));
    const what = h("span", { class: "what" }, words, h("span", { class: "facts soft" }, when, ` · ${facts(this.task)}`));
    this.link.replaceChildren(picture, what, h("span", { class: "sum" }, badge(this.task), h("span", { class: "cost soft" }, cost(this.task))));
  }

  choose(isChosen) {
    this.link.toggleAttribute("aria-current", isChosen);
    if (isChosen) this.link.setAttribute("aria-current", "true");
  }
}

function thumbnail(task) {
  const pictures = task.dataDeletedTime ? [] : made(task.images);
  if (isOpen(task)) return h("span", { class: "thumb open" }, h("span", { class: "sky" }, h("span", { class: "sun" })));
  if (!pictures.length) return h("span", { class: "thumb" }, icon(task.dataDeletedTime ? "bin" : task.failCode === "Cancelled" ? "stop" : "warning"));
  const gone = (event) => event.target.replaceWith(icon("picture"));
  const image = h("img", { src: shown(pictures[0]), alt: "", width: 64, height: 64, loading: "lazy", decoding: "async", fetchpriority: "low", onerror: gone });
  const several = pictures.length > 1;
  return h("span", { class: several ? "thumb several" : "thumb" }, image, several ? h("span", { class: "count", "aria-hidden": "true" }, String(pictures.length)) : null);
}
