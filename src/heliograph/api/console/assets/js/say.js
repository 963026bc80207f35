// What the page tells: seen by those who look, read out to those who listen.

import { find, h } from "../playground/js/dom.js";
import { Offline } from "./service.js";
import { announce, t } from "./text.js";

const SHORT_MS = 1800;
const LONG_MS = 7000;
let fading;

/** Show a sentence for a moment; one about trouble stays longer. */
export function say(text, trouble = false) {
  const toast = find("#toast");
  toast.textContent = text;
  toast.classList.toggle("trouble", trouble);
  toast.classList.add("seen");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("seen"), trouble ? LONG_MS : SHORT_MS);
  announce(text);
}

/** What went wrong, in a sentence; that nobody is signed in any more ends what is shown. */
export function sentenceOf(error) {
  if (error.code === 401) document.dispatchEvent(new CustomEvent("session-over"));
  return error instanceof Offline ? t("offline.title") : error.message;
}

/** Do what a button is for, once at a time. `trouble(sentence)` hears what went wrong. */
export async function press(button, act, trouble = (sentence) => say(sentence, true)) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    if (error.name !== "AbortError") trouble(sentenceOf(error));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** A button that does one thing at a time. */
export const actButton = (label, act, { kind = "", ...attributes } = {}) =>
  h("button", { type: "button", class: `button ${kind}`, onclick: (event) => press(event.currentTarget, act), ...attributes }, label);

/** A button that copies a text. */
export const copyButton = (text, label = t("copy")) => h("button", { type: "button", class: "button small", onclick: () => copy(text) }, label);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages without TLS may not use the clipboard; this way all browsers have.
    const area = h("textarea", { value: text, class: "unseen" });
    (find("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(t("copied"));
}
