// One picture over the whole page: to zoom into, to step through, to compare with another one.

import * as api from "./api.js";
import { find, h, iconButton } from "./dom.js";
import { made, shown } from "./outcome.js";
import { saveOne } from "./download.js";
import { percent, t } from "./text.js";

const STEPS = [1, 1.5, 2, 3, 4, 6];

/** Open the viewer at picture `index` of `task`; it is closed by Escape, as every dialog. */
export function openViewer(task, index, actions) {
  new Viewer(task, index, actions).open();
}

class Viewer {
  constructor(task, index, actions) {
    Object.assign(this, { task, actions, zoom: 1, other: null });
    this.pictures = [
      ...made(task.images).map((image) => ({ url: shown(image), source: image.url, index: task.images.indexOf(image), label: t("picture.number", { number: task.images.indexOf(image) + 1 }) })),
      ...(task.imageUrls ?? []).filter(api.own).map((url, at) => ({ url: api.own(url), source: url, label: t("reference.number", { number: at + 1 }) })),
    ];
    this.at = this.pictures.findIndex((picture) => picture.index === index);
    this.dialog = find("#viewer");
    this.stage = h("div", { class: "stage", tabindex: 0, role: "group", onwheel: (event) => this.#wheel(event), ondblclick: () => this.#zoomTo(this.zoom > 1 ? 1 : 2) });
    this.title = h("h2", { class: "prompt", id: "viewer-title", lang: "" }, task.prompt ?? t("deleted"));
    this.place = h("span", { class: "soft", role: "status" });
    this.slider = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("compare.slider"), oninput: () => this.#split() });
  }

  open() {
    const opener = document.activeElement;
    this.dialog.replaceChildren(this.#head(), this.stage, this.#foot());
    this.dialog.onkeydown = (event) => this.#key(event);
    this.dialog.onclose = () => {
      this.dialog.replaceChildren();
      opener?.focus();
    };
    this.#show();
    this.dialog.showModal();
    this.stage.focus();
  }

  get current() {
    return this.pictures[this.at];
  }

  #head() {
    const download = iconButton("download", t("download"), () => this.current.index === undefined || saveOne(this.task, this.current.index));
    const use = iconButton("reference", t("use-reference"), () => (this.dialog.close(), this.actions.reference(this.current.source)));
    const close = iconButton("close", t("close"), () => this.dialog.close());
    return h("header", {}, h("div", {}, this.title, this.place), h("div", { class: "tools" }, use, download, close));
  }

  #foot() {
    const zooms = [
      iconButton("minus", t("zoom.out"), () => this.#step(-1)),
      iconButton("plus", t("zoom.in"), () => this.#step(1)),
      iconButton("fit", t("zoom.fit"), () => this.#zoomTo(1)),
    ];
    const several = this.pictures.length > 1;
    const steps = several && [iconButton("left", t("previous"), () => this.#turn(-1)), iconButton("right", t("next"), () => this.#turn(1))];
    this.compare = several && iconButton("compare", t("compare"), () => this.#toggleCompare(), { quiet: false, "aria-pressed": "false" });
    return h("footer", { class: "tools" }, steps || [], zooms, this.compare || null, this.slider);
  }

  #show() {
    this.stage.replaceChildren(h("div", { class: "pile" }, this.#img(this.current), this.other && this.#img(this.other, "upper")));
    const label = this.other ? t("compare.names", { one: this.other.label, other: this.current.label }) : this.current.label;
    this.stage.setAttribute("aria-label", t("stage", { name: label }));
    this.slider.hidden = !this.other;
    if (this.compare) this.compare.setAttribute("aria-pressed", String(Boolean(this.other)));
    this.place.textContent = this.zoom > 1 ? `${label} · ${percent(this.zoom)}` : label;
    this.stage.classList.toggle("zoomed", this.zoom > 1);
    this.stage.firstElementChild.style.setProperty("--zoom", this.zoom);
    this.#split();
  }

  #img(picture, kind = "") {
    return h("img", { src: picture.url, alt: `${picture.label}: ${this.task.prompt ?? ""}`, class: kind, draggable: "false" });
  }

  #split() {
    this.stage.firstElementChild.style.setProperty("--split", `${this.slider.value}%`);
  }

  #turn(by) {
    this.at = (this.at + by + this.pictures.length) % this.pictures.length;
    if (this.other === this.current) this.at = (this.at + by + this.pictures.length) % this.pictures.length;
    this.#show();
  }

  #toggleCompare() {
    this.other = this.other ? null : this.current;
    if (this.other) this.at = (this.at + 1) % this.pictures.length;
    this.#show();
    if (this.other) this.slider.focus();
  }

  #step(by) {
    const at = STEPS.findIndex((step) => step >= this.zoom);
    this.#zoomTo(STEPS[Math.min(Math.max(at + by, 0), STEPS.length - 1)]);
  }

  #zoomTo(zoom) {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.stage;
    const grown = zoom / this.zoom;
    this.zoom = zoom;
    this.#show();
    // What was in the middle stays there.
    this.stage.scrollTo((scrollLeft + clientWidth / 2) * grown - clientWidth / 2, (scrollTop + clientHeight / 2) * grown - clientHeight / 2);
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#step(event.deltaY < 0 ? 1 : -1);
  }

  #key(event) {
    if (event.target === this.slider || event.ctrlKey || event.metaKey) return;
    const scrolls = this.zoom > 1 && event.target === this.stage;
    const act = { ArrowLeft: () => scrolls || this.#turn(-1), ArrowRight: () => scrolls || this.#turn(1), "+": () => this.#step(1), "=": () => this.#step(1), "-": () => this.#step(-1), 0: () => this.#zoomTo(1) }[event.key];
    if (act && (this.pictures.length > 1 || !event.key.startsWith("Arrow"))) act();
  }
}
