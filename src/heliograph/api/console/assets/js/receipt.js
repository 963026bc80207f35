// The money of a task: each movement, and what was paid in the end.

import { h } from "../playground/js/dom.js";
import { isOpen } from "../playground/js/follow.js";
import { made } from "../playground/js/outcome.js";
import { clock, money, t, tn } from "./text.js";

export function receiptOf(task) {
  const { receipt } = task;
  if (task.test || !receipt?.lines.length) return h("p", { class: "soft" }, t("refund.test"));
  const row = (label, amount, when) => h("tr", {}, h("th", { scope: "row" }, label, when ? h("time", { class: "soft" }, clock(when)) : null), h("td", {}, money(amount)));
  const lines = receipt.lines.map((line) => row(t(`kind.${line.kind}`), line.amount, line.time));
  const open = isOpen(task);
  const count = open ? task.numImages : made(task.images).length;
  const total = h("tr", { class: "total" }, h("th", { scope: "row" }, open ? t("receipt.held") : t("receipt.paid"), h("span", { class: "soft" }, tn("receipt.each", count, { price: money(task.price) }))), h("td", {}, money(open ? receipt.held : receipt.charged)));
  return h("table", { class: "receipt-table" }, h("caption", { class: "unseen" }, t("details")), h("tbody", {}, lines), h("tfoot", {}, total));
}
