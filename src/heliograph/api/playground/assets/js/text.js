// Every sentence of the page, in its language; numbers, money and times as that language writes them.

export const language = document.documentElement.lang;

const messages = await (await fetch(new URL(`../messages/${language}.json`, import.meta.url))).json();
const plurals = new Intl.PluralRules(language);

/** The message `key`, with every `{name}` in it replaced. */
export function t(key, values = {}) {
  const message = messages[key];
  if (message === undefined) throw new Error(`no message ${key}`);
  return message.replace(/{(\w+)}/g, (_, name) => values[name]);
}

export const has = (key) => key in messages;

/** The message for `count` things: `key.one`, or `key.other`. */
export const tn = (key, count, values = {}) => t(`${key}.${plurals.select(count)}`, { count, ...values });

const dollars = new Intl.NumberFormat(language, {
  style: "currency",
  currency: "USD",
  currencyDisplay: "narrowSymbol",
  maximumFractionDigits: 6,
});
export const money = (amount) => dollars.format(amount);

const decimals = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
export const number = (value) => decimals.format(value);

const percents = new Intl.NumberFormat(language, { style: "percent" });
export const percent = (share) => percents.format(share);

const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
export const moment = (unixMs) => moments.format(unixMs);

const clocks = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
export const clock = (unixMs) => clocks.format(unixMs);

/** Seconds as a person says them: 8 s, 1 min 20 s. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? t("seconds", { seconds: whole }) : t("minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

/** Bytes as a person says them. */
export const size = (bytes) => (bytes < 1e6 ? `${number(bytes / 1e3)} kB` : `${number(bytes / 1e6)} MB`);

/** What a screen reader says next; an empty text first, so that the same one twice is said twice. */
export function announce(text) {
  const voice = document.querySelector("#voice");
  voice.textContent = "";
  setTimeout(() => (voice.textContent = text), 60);
}
