// The pictures of a task: those that are there, those that were not made and why, those that are on their way.

import { h, icon, iconButton } from "../playground/js/dom.js";
import { saveOne } from "../playground/js/download.js";
import { isOpen } from "../playground/js/follow.js";
import { reasonOf, shown } from "../playground/js/outcome.js";
import { openViewer } from "../playground/js/viewer.js";
import { percent, size, t } from "./text.js";

/** A tile for each picture that was asked for. `reference(url)` starts a new request from one. */
export function tilesOf(task, reference) {
  if (task.dataDeletedTime) return [];
  if (isOpen(task)) return Array.from({ length: task.numImages }, (_, index) => waiting(task, index));
  return (task.images ?? []).map((image, index) => (image.url ? tile(task, image, index, reference) : missing(task, image, index)));
}

function tile(task, image, index, reference) {
  const alt = t("picture.of", { number: index + 1, count: task.numImages, prompt: task.prompt ?? t("deleted") });
  const gone = (event) => event.target.replaceWith(h("span", { class: "gone" }, icon("picture"), t("picture.gone")));
  const picture = h("img", { src: shown(image), alt, width: image.width, height: image.height, decoding: "async", onerror: gone });
  const open = h("button", { type: "button", class: "open", onclick: () => openViewer(task, index, { reference }) }, picture);
  const tools = [
    iconButton("reference", t("use-reference.number", { number: index + 1 }), () => reference(image.url)),
    iconButton("download", t("download.number", { number: index + 1 }), () => saveOne(task, index)),
  ];
  const facts = h("p", { class: "about soft" }, `${image.width} × ${image.height} · ${size(image.sizeBytes)}`);
  const sum = h("p", { class: "about soft sum-of", title: image.sha256 }, "sha256 ", h("code", {}, image.sha256.slice(0, 12)), "…");
  return shaped(task, h("li", { class: "tile" }, open, h("div", { class: "over" }, tools), facts, sum));
}

function missing(task, image, index) {
  const why = [h("b", {}, t("picture.failed", { number: index + 1 })), h("span", {}, reasonOf(image.failCode)), image.failMsg ? h("span", { class: "soft", lang: "en" }, image.failMsg) : null];
  return shaped(task, h("li", { class: "tile missing" }, h("div", {}, icon("warning"), why)));
}

function waiting(task, index) {
  const share = task.progress?.[index] ?? 0;
  const bar = { role: "progressbar", "aria-label": t("picture.number", { number: index + 1 }), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100) };
  const sky = h("span", { class: "sky", ...bar }, h("span", { class: "sun" }), h("span", { class: "share" }, share ? percent(share) : ""));
  const tile = shaped(task, h("li", { class: share ? "tile waiting begun" : "tile waiting" }, sky));
  tile.style.setProperty("--done", share);
  return tile;
}

/** A tile that knows the shape of its picture, so that all of a row are of one height. */
function shaped(task, tile) {
  const [width, height] = task.aspectRatio.split(":");
  tile.style.setProperty("--ratio", `${width} / ${height}`);
  tile.style.setProperty("--shape", width / height);
  return tile;
}
