// A question before something that cannot be undone.

import { find, h } from "../playground/js/dom.js";
import { t } from "./text.js";

/** Whether the person agrees. `content` is what they should know; `yes` is written on the button. */
export function ask(title, content, yes, { danger = true } = {}) {
  const dialog = find("#question");
  return new Promise((resolve) => {
    const end = (answer) => (resolve(answer), dialog.close());
    const no = h("button", { type: "button", class: "button", onclick: () => end(false) }, t("no"));
    const agree = h("button", { type: "button", class: `button ${danger ? "danger" : "main"}`, onclick: () => end(true) }, yes);
    dialog.replaceChildren(h("h2", { id: "question-title" }, title), ...content, h("div", { class: "choices" }, no, agree));
    dialog.onclose = () => resolve(false);
    dialog.showModal();
    no.focus();
  });
}
