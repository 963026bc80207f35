// How a task ended, in words a person can act on: what went wrong, what to do, and what was given back.

import * as api from "./api.js";
import { h, iconButton } from "./dom.js";
import { clock, has, money, t, tn } from "./text.js";

/** The pictures that were made, of all that were asked for; and where this page finds one. */
export const made = (images) => (images ?? []).filter((image) => image.url);
export const shown = (image) => api.own(image.url) ?? image.url;

export const reasonOf = (code) => t(has(`fail.${code}`) ? `fail.${code}` : "fail.InternalError");
const cureOf = (code) => t(has(`cure.${code}`) ? `cure.${code}` : "cure.InternalError");

/** What to say of pictures that were not made, and of words that were not understood. */
export function shortfallOf(task) {
  const missing = task.numImages - made(task.images).length;
  const notes = (task.warnings ?? []).map((warning) => h("p", { class: "remark", lang: "en" }, warning));
  return missing > 0 ? [failure(task, missing), ...notes] : notes;
}

function failure(task, missing) {
  const code = task.failCode ?? task.images?.find((image) => image.failCode)?.failCode;
  const back = task.test ? t("refund.test") : tn("refund", missing, { amount: money(task.price * missing) });
  const cancelled = code === "Cancelled";
  const kind = cancelled ? "calm" : task.state === "success" ? "part" : "";
  return h(
    "div",
    { class: `ending ${kind}` },
    h("b", {}, task.state === "failed" ? reasonOf(code) : tn("missing-pictures", missing)),
    task.failMsg && !cancelled ? h("p", { class: "soft", lang: "en" }, task.failMsg) : null,
    h("p", {}, cancelled ? back : `${cureOf(code)} ${back}`),
  );
}

/** A button that unfolds what happened when, and every movement of money. */
export function receiptOf(task) {
  const panel = h("div", { class: "receipt", hidden: true });
  const button = iconButton("receipt", t("details"), () => toggle(), { quiet: false, "aria-expanded": "false" });
  const toggle = async () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) panel.replaceChildren(...describe(await api.task(task.taskId)));
  };
  return h("div", { class: "unfolds" }, button, panel);
}

function describe(task) {
  const line = (label, ...values) => h("div", {}, h("dt", {}, label), h("dd", {}, ...values));
  const { held, charged, refunded } = task.receipt;
  const events = task.timeline.map((event) => line(clock(event.time), word(event), event.detail ? h("span", { class: "soft" }, ` ${event.detail}`) : ""));
  const sums = [
    ["receipt.held", held],
    ["receipt.charged", charged],
    ["receipt.refunded", refunded],
  ];
  return [
    h("dl", {}, line(t("task-id"), h("code", {}, task.taskId)), sums.map(([key, amount]) => line(t(key), money(amount)))),
    h("dl", { class: "timeline" }, events),
  ];
}

function word({ event, provider }) {
  const key = `event.${event.replace(" ", "-")}`;
  return (has(key) ? t(key) : event) + (provider ? ` · ${provider}` : "");
}
