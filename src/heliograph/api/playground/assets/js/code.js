// The panel with the programs: always those of the request that is in the form right now.

import { find, h } from "./dom.js";
import { masked, readKey } from "./key.js";
import { LANGUAGES, omitted } from "./snippets.js";
import { announce, t } from "./text.js";
import { tabs } from "./tabs.js";

const CHOICE = "heliograph-code";
const PARTS = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\]|\\.)*')|(#[^\n]*|\/\/[^\n]*)|\b(import|from|with|as|for|in|while|not|def|return|raise|if|const|let|do|async|await|function|throw|new|export|print|True|False|None)\b/g;

export function startCode(request, account) {
  const panel = find("#code");
  const chosen = () => LANGUAGES.find((language) => language.id === localStorage.getItem(CHOICE)) ?? LANGUAGES[0];
  const buttons = LANGUAGES.map(({ id, title }) => h("button", { type: "button", role: "tab", id: `code-${id}`, "aria-controls": "code-panel" }, title));
  find("#code-tabs").append(...buttons);
  const show = () => draw(panel, chosen(), request);
  const key = () => (find("#key-line").textContent = `export HELIOGRAPH_API_KEY='${masked(readKey())}'`);
  tabs(buttons, (button) => {
    localStorage.setItem(CHOICE, button.id.replace("code-", ""));
    find("#code-panel").setAttribute("aria-labelledby", button.id);
    show();
  });
  buttons.find((button) => button.id === `code-${chosen().id}`).click();
  request.addEventListener("change", show);
  account.addEventListener("change", key);
  find("#copy-code").addEventListener("click", () => copy(panel.textContent));
  find("#copy-key").addEventListener("click", () => copy(`export HELIOGRAPH_API_KEY='${readKey() ?? ""}'`));
  key();
}

function draw(panel, language, request) {
  const { body, model, mode } = request;
  const size = mode.sizes?.[body.input.aspect_ratio];
  const text = language.write({ origin: location.origin, model: model.id, body, size });
  panel.replaceChildren(...painted(text));
  const left = omitted(language, body);
  find("#code-note").textContent = left.length ? t("code.omits", { names: left.join(", ") }) : "";
}

/** The text in pieces, with strings, comments and words of the language marked. */
function painted(text) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(PARTS)) {
    pieces.push(text.slice(at, match.index), h("span", { class: match[1] ? "string" : match[2] ? "comment" : "word" }, match[0]));
    at = match.index + match[0].length;
  }
  return [...pieces, text.slice(at)];
}

/** Copy a text; where the page may not use the clipboard, by the way that all browsers have. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { value: text, class: "unseen" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce(t("copied"));
  const toast = find("#toast");
  toast.textContent = t("copied");
  toast.classList.add("seen");
  setTimeout(() => toast.classList.remove("seen"), 1600);
}
