// What was asked for, down to the JSON that asks for it again.

import { h } from "../playground/js/dom.js";
import { copyButton } from "./say.js";
import { own } from "./service.js";
import { modeName, requestOf } from "./task.js";
import { moment, t } from "./text.js";

export function askedOf(task) {
  const fact = (label, ...values) => h("div", {}, h("dt", {}, label), h("dd", {}, ...values));
  const { negativePrompt, imageUrls, engine, source, batchId, filesExpireTime, dataDeletedTime } = task;
  const rows = [
    fact(t("model"), task.model),
    fact(t("mode"), modeName(task.mode)),
    fact(t("field.aspect_ratio"), task.aspectRatio),
    fact(t("field.num_images"), String(task.numImages)),
    negativePrompt && fact(t("field.negative_prompt"), h("span", { lang: "" }, negativePrompt)),
    engine && fact(t("engine"), engine),
    source && fact(t("field.source"), source),
    batchId && fact(t("batch"), h("a", { href: `#/history?batch=${batchId}` }, h("code", {}, `${batchId.slice(0, 12)}…`))),
    filesExpireTime && fact(t("kept-until"), moment(filesExpireTime)),
    dataDeletedTime && fact(t("deleted-at"), moment(dataDeletedTime)),
    h("div", { class: "id" }, h("dt", {}, t("task-id")), h("dd", {}, h("code", {}, task.taskId), copyButton(task.taskId))),
  ];
  return [h("dl", { class: "facts-list" }, rows.filter(Boolean)), imageUrls ? references(imageUrls) : null, task.prompt ? body(task) : null].filter(Boolean);
}

function references(urls) {
  const one = (url, index) => {
    const label = t("reference.number", { number: index + 1 });
    const address = own(url);
    if (address) return h("li", {}, h("a", { href: address, target: "_blank", rel: "noopener" }, h("img", { src: address, alt: label, width: 72, height: 72, loading: "lazy" })));
    return h("li", { class: "far" }, /^https?:/.test(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url) : h("code", {}, url));
  };
  return h("div", {}, h("h4", {}, t("field.image_urls")), h("ul", { class: "references-list" }, urls.map(one)));
}

function body(task) {
  const text = JSON.stringify(requestOf(task), null, 2);
  return h("details", { class: "fold" }, h("summary", {}, t("as-json")), h("div", { class: "listing" }, copyButton(text), h("pre", { tabindex: 0, "aria-label": t("as-json") }, text)));
}
