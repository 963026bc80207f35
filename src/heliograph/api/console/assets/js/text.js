// The sentences of the console; what the playground says already, it says here in the same words.

import * as shared from "../playground/js/text.js";

export { announce, clock, duration, language, moment, money, number, percent, size } from "../playground/js/text.js";

const messages = await (await fetch(new URL(`../messages/${shared.language}.json`, import.meta.url))).json();
const plurals = new Intl.PluralRules(shared.language);

export const has = (key) => key in messages || shared.has(key);

/** The message `key`, with every `{name}` in it replaced. */
export function t(key, values = {}) {
  return key in messages ? messages[key].replace(/{(\w+)}/g, (_, name) => values[name]) : shared.t(key, values);
}

/** The message for `count` things: `key.one`, or `key.other`. */
export const tn = (key, count, values = {}) => t(`${key}.${plurals.select(count)}`, { count, ...values });

const days = new Intl.DateTimeFormat(shared.language, { dateStyle: "full" });
const shortDays = new Intl.DateTimeFormat(shared.language, { month: "short", day: "numeric" });
const shortMoments = new Intl.DateTimeFormat(shared.language, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const hours = new Intl.DateTimeFormat(shared.language, { timeStyle: "short" });
const near = new Intl.RelativeTimeFormat(shared.language, { numeric: "auto" });
const exact = new Intl.NumberFormat(shared.language, { maximumFractionDigits: 2 });

export const shortDay = (unixMs) => shortDays.format(unixMs);
export const shortMoment = (unixMs) => shortMoments.format(unixMs);
export const hour = (unixMs) => hours.format(unixMs);

/** The day of a moment as people say it: today, yesterday, or its date. */
export function day(unixMs) {
  const ago = Math.round((midnight(Date.now()) - midnight(unixMs)) / 86_400_000);
  const said = ago < 2 ? near.format(-ago, "day") : days.format(unixMs);
  return said.charAt(0).toLocaleUpperCase(shared.language) + said.slice(1);
}

const STEPS = [["minute", 60_000, 60], ["hour", 3_600_000, 24], ["day", 86_400_000, 31]];

/** How long ago a moment is, as people say it; its date after a month. */
export function ago(unixMs) {
  const gone = Math.max(0, Date.now() - unixMs);
  const step = STEPS.find(([, length, most]) => gone < length * most);
  return step ? near.format(-Math.floor(gone / step[1]), step[0]) : shared.moment(unixMs);
}

/** When the day of a moment began, here. */
export const midnight = (unixMs) => new Date(unixMs).setHours(0, 0, 0, 0);

/** Milliseconds as a person says them, the short ones to the hundredth. */
export function span(milliseconds) {
  if (milliseconds < 1000) return t("milliseconds", { milliseconds: Math.round(milliseconds) });
  return milliseconds < 10_000 ? t("seconds", { seconds: exact.format(milliseconds / 1000) }) : shared.duration(milliseconds / 1000);
}
