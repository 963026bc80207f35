// Requests to start from, with what the studio makes of them.

import { find, h } from "./dom.js";
import { announce, t } from "./text.js";

const EXAMPLES = [
  ["panda", "1:1"],
  ["fox", "4:3"],
  ["robot", "3:4"],
  ["space", "1:1"],
  ["boats", "16:9"],
  ["castle", "16:9"],
];

export function startExamples(request) {
  const cards = EXAMPLES.map(([name, ratio]) => {
    const prompt = t(`example.${name}`);
    const picture = h("img", { src: new URL(`../examples/${name}.webp`, import.meta.url), alt: "", width: 480, height: 360, loading: "lazy" });
    const take = () => {
      const input = { ...request.body.input, mode: "text-to-image", prompt, aspect_ratio: ratio };
      request.take({ ...request.body, input });
      announce(t("example.taken"));
      find("#request textarea").focus();
    };
    return h("li", {}, h("button", { type: "button", class: "example", onclick: take }, picture, h("span", {}, prompt)));
  });
  find("#examples").replaceChildren(...cards);
}
