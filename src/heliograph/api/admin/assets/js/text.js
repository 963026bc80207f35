// The sentences of these pages; what console and playground say already is said here in the same words.

import * as shared from "../console/js/text.js";

export { announce, language, moment, money, number, shortMoment } from "../console/js/text.js";

const messages = await (await fetch(new URL(`../messages/${shared.language}.json`, import.meta.url))).json();
const plurals = new Intl.PluralRules(shared.language);

export const has = (key) => key in messages || shared.has(key);

/** The message `key`, with every `{name}` in it replaced. */
export function t(key, values = {}) {
  return key in messages ? messages[key].replace(/{(\w+)}/g, (_, name) => values[name]) : shared.t(key, values);
}

/** The message for `count` things: `key.one`, or `key.other`. */
export const tn = (key, count, values = {}) => t(`${key}.${plurals.select(count)}`, { count: shared.number(count), ...values });

const units = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

/** Seconds as a person says them, in the largest unit that fits. */
export function age(seconds) {
  const [size, unit] = units.find(([least]) => seconds >= least) ?? units.at(-1);
  return new Intl.NumberFormat(shared.language, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(seconds / size));
}
