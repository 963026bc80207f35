// What happened to a task: where its time went, and each step.

import { h } from "../playground/js/dom.js";
import { clock, has, span, t } from "./text.js";

/** The story of a task, as elements. */
export function timelineOf(task) {
  const events = task.timeline ?? [];
  const steps = events.map((event, index) => step(event, index ? event.time - events[index - 1].time : null));
  return [phases(events), h("ol", { class: "timeline" }, steps)].filter(Boolean);
}

function step(event, gap) {
  const { name, detail } = words(event);
  const kind = ["failed", "refused", "unknown"].includes(event.event) ? "bad" : ["success", "stored", "charged"].includes(event.event) ? "good" : "";
  return h(
    "li",
    { class: kind },
    h("time", { datetime: new Date(event.time).toISOString() }, clock(event.time)),
    h("div", {}, h("b", {}, name), event.provider ? ` ${event.provider}` : "", detail ? h("span", { class: "detail soft" }, detail) : null),
    h("span", { class: "gap soft" }, gap ? `+${span(gap)}` : ""),
  );
}

function words({ event, detail }) {
  const key = `event.${event.replace(" ", "-")}`;
  return { name: has(key) ? t(key) : event, detail: said(event, detail) };
}

/** Details come in English; those with a known form are said in the language of the page. */
function said(event, detail) {
  if (!detail) return null;
  const stored = /^(\d+) of (\d+) images$/.exec(detail);
  if (stored) return t("stored.of", { made: stored[1], asked: stored[2] });
  if (event === "polled") return t("polled.times", { count: detail === "once" ? 1 : parseInt(detail, 10) });
  return detail;
}

/** Waiting, drawing and storing as parts of one bar, and as words. */
function phases(events) {
  const at = (name) => events.find((event) => event.event === name)?.time;
  const end = at("success") ?? at("failed");
  if (!end) return null;
  const [start, begun, stored] = [at("received"), at("claimed") ?? end, at("stored") ?? end];
  const parts = [
    ["waiting", begun - start],
    ["drawing", Math.max(stored - begun, 0)],
    ["finishing", Math.max(end - stored, 0)],
  ].filter(([, milliseconds]) => milliseconds > 0);
  const bar = h("div", { class: "phases", "aria-hidden": "true" }, parts.map(([name, milliseconds]) => part(name, milliseconds)));
  const legend = h("ul", { class: "legend" }, parts.map(([name, milliseconds]) => h("li", { class: name }, t(`phase.${name}`), " ", h("b", {}, span(milliseconds)))));
  return parts.length ? h("div", { class: "where" }, bar, legend) : null;
}

function part(name, milliseconds) {
  const element = h("span", { class: name });
  element.style.setProperty("--part", milliseconds);
  return element;
}
