// What is said of a task wherever it stands: its state, its facts, what it cost, and the way back to the form.

import { ticking } from "../playground/js/elapsed.js";
import { h } from "../playground/js/dom.js";
import { isOpen } from "../playground/js/follow.js";
import { linkOf } from "../playground/js/link.js";
import { made } from "../playground/js/outcome.js";
import { duration, has, money, percent, t, tn } from "./text.js";

/** `success`, `failed`, … and two that the service tells by other fields: `partial` and `cancelled`. */
export function kindOf(task) {
  if (task.failCode === "Cancelled") return "cancelled";
  if (task.state === "success" && made(task.images).length < task.numImages) return "partial";
  return task.state;
}

export function badge(task) {
  const kind = kindOf(task);
  const place = task.queuePosition ? ` · ${t("queue", { position: task.queuePosition })}` : "";
  const done = task.progress?.length ? ` · ${percent(task.progress.reduce((sum, share) => sum + share, 0) / task.numImages)}` : "";
  return h("span", { class: "state", "data-state": kind }, t(`state.${kind}`) + place + done, isOpen(task) ? ticking(task.createTime) : null);
}

export const modeName = (mode) => (has(`mode.${mode}`) ? t(`mode.${mode}`) : mode);

export function facts(task) {
  const { mode, aspectRatio, numImages, costTime, test } = task;
  return [modeName(mode), aspectRatio, tn("pictures", numImages), costTime && duration(costTime / 1000), test && t("test.badge")].filter(Boolean).join(" · ");
}

/** What was paid, or is held while it is open. */
export function cost(task) {
  if (task.test) return t("free");
  return money(task.price * (isOpen(task) ? task.numImages : made(task.images).length));
}

/** The body of generateTask that asks for the same again. */
export function requestOf(task) {
  const input = { mode: task.mode, prompt: task.prompt, negative_prompt: task.negativePrompt, aspect_ratio: task.aspectRatio, num_images: task.numImages };
  // A picture that came inside the request is not told again, only the beginning of its text.
  const references = (task.imageUrls ?? []).filter((url) => !url.endsWith("…"));
  if (references.length) input.image_urls = references;
  return { ...(task.source && { source: task.source }), input: Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) };
}

/** The address of the playground with a request in its form; null when it is too long for an address. */
export function playgroundWith(model, body) {
  const link = linkOf(model, body);
  return link && `/${link.slice(link.indexOf("#"))}`;
}
