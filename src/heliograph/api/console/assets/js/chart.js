// What was spent on each day, as bars and as a table that says the same.

import { h } from "../playground/js/dom.js";
import { midnight, money, number, shortDay, t } from "./text.js";

const MOST_BARS = 92;

/** The days from `start` to `end` (Unix ms), each with what was spent. */
export function daysBetween(start, end, spent) {
  const days = [];
  for (const at = new Date(midnight(start)); at < end; at.setDate(at.getDate() + 1)) days.push({ start: Number(at), ...(spent.get(Number(at)) ?? { spent: 0, tasks: 0 }) });
  return days.slice(-MOST_BARS);
}

export function chartOf(days) {
  const most = Math.max(...days.map((day) => day.spent));
  const top = roundUp(most);
  const bars = days.map((day, index) => bar(day, top, index));
  const scale = [top, top / 2, 0].map((amount) => h("span", {}, money(amount)));
  const ends = h("div", { class: "ends soft" }, h("span", {}, shortDay(days[0].start)), h("span", {}, shortDay(days[Math.floor(days.length / 2)].start)), h("span", {}, shortDay(days.at(-1).start)));
  return [h("div", { class: "chart", "aria-hidden": "true" }, h("div", { class: "scale soft" }, scale), h("div", { class: "bars" }, bars), ends), tableOf(days)];
}

function bar({ start, spent, tasks }, top, index) {
  const tip = h("span", { class: "tip" }, h("b", {}, money(spent)), h("br"), shortDay(start), ` · ${t("chart.tasks", { tasks: number(tasks) })}`);
  const element = h("span", { class: spent ? "day-bar" : "day-bar none" }, h("span", { class: "fill" }), tip);
  element.style.setProperty("--share", spent / top);
  element.style.setProperty("--at", index);
  return element;
}

function tableOf(days) {
  const row = (day) => h("tr", {}, h("th", { scope: "row" }, shortDay(day.start)), h("td", {}, number(day.tasks)), h("td", {}, money(day.spent)));
  const head = h("tr", {}, ["chart.day", "chart.charged", "chart.spent"].map((key) => h("th", { scope: "col" }, t(key))));
  const table = h("table", { class: "sheet" }, h("caption", { class: "unseen" }, t("chart.title")), h("thead", {}, head), h("tbody", {}, days.filter((day) => day.spent).reverse().map(row)));
  return h("details", { class: "fold" }, h("summary", {}, t("chart.table")), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": t("chart.title") }, table));
}

/** The next amount that is good to read at the top of a scale. */
export function roundUp(amount) {
  if (amount <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(amount));
  return [1, 2, 5, 10].find((step) => step * power >= amount * 0.999) * power;
}
