// Reference pictures: dropped, pasted, chosen, or by address; each is looked at here before it is sent.

import * as api from "./api.js";
import { addKind } from "./fields.js";
import { find, h, icon, iconButton, newId } from "./dom.js";
import { inspect, mend, problemOf } from "./picture.js";
import { announce, size, t } from "./text.js";

addKind("pictures", pictures);

function pictures(field, change, ids, mode) {
  const shelf = new Shelf(field, mode.limits, change, ids);
  return { element: shelf.element, show: (value) => shelf.show(value), group: true, note: shelf.note };
}

/** The pictures of one field. Those that are refused or under way stand here and not in the request. */
class Shelf {
  constructor(field, limits, change, ids) {
    Object.assign(this, { field, limits, change, items: [] });
    this.list = h("ul", { class: "shelf", "aria-label": t("field.image_urls") });
    this.note = h("span", { class: "note" });
    this.drop = this.#dropZone(ids);
    this.element = h("div", { class: "references" }, this.list, this.drop, this.#addressLine());
    document.addEventListener("use-reference", (event) => this.element.isConnected && this.addUrl(event.detail));
  }

  get urls() {
    return this.items.filter((item) => item.url).map((item) => item.url);
  }

  /** Bring the shelf up to what the request holds. */
  show(value) {
    const urls = Array.isArray(value) ? value.map(String) : [];
    if (urls.join("\n") !== this.urls.join("\n")) this.items = urls.map((url) => this.#known(url));
    this.#draw();
  }

  #known(url) {
    return this.items.find((item) => item.url === url) ?? { url, name: nameOf(url), preview: previewOf(url) };
  }

  async addFiles(files) {
    const room = this.field.most - this.items.length;
    if (files.length > room) announce(t("picture.too-many", { most: this.field.most }));
    await Promise.all([...files].slice(0, Math.max(0, room)).map((file) => this.#addFile(file)));
  }

  addUrl(url) {
    if (this.urls.includes(url)) return;
    if (this.items.length >= this.field.most) return announce(t("picture.too-many", { most: this.field.most }));
    this.items.push(this.#known(url));
    this.#changed();
    announce(t("picture.added"));
  }

  async #addFile(file) {
    const item = { name: file.name, file, preview: URL.createObjectURL(file), state: t("picture.checking") };
    this.items.push(item);
    this.#draw();
    await this.#check(item);
  }

  async #check(item) {
    const header = await inspect(item.file);
    const problem = problemOf(header, item.file.size, this.limits);
    item.facts = header.format ? `${header.format} · ${header.width} × ${header.height} · ${size(item.file.size)}` : size(item.file.size);
    if (problem) this.#refuse(item, t(...problem), problem[0] !== "picture.animated");
    else await this.#send(item);
  }

  async #send(item) {
    item.state = t("picture.sending");
    this.#draw();
    try {
      const kept = await api.upload(item.file);
      Object.assign(item, { url: kept.url, state: null, problem: null });
      announce(t("picture.added"));
      if (this.items.includes(item)) this.#changed();
    } catch (error) {
      const needsKey = error.code === 401;
      this.#refuse(item, needsKey ? t("picture.needs-key") : error instanceof api.Offline ? t("offline.title") : error.sentence, false, true);
    }
  }

  #refuse(item, problem, mendable, again = false) {
    Object.assign(item, { problem, mendable, again, state: null });
    announce(problem);
    this.#draw();
  }

  async #mend(item) {
    Object.assign(item, { problem: null, state: t("picture.checking") });
    this.#draw();
    try {
      item.file = await mend(item.file, this.limits);
      item.preview = URL.createObjectURL(item.file);
      await this.#check(item);
    } catch {
      this.#refuse(item, t("picture.format"), false);
    }
  }

  #remove(item) {
    this.items = this.items.filter((one) => one !== item);
    this.#changed();
    find("input, button", this.drop).focus();
  }

  #changed() {
    this.change(this.urls);
    this.#draw();
  }

  #draw() {
    this.list.replaceChildren(...this.items.map((item, index) => this.#card(item, index)));
    const full = this.items.length >= this.field.most;
    this.drop.hidden = full;
    this.address.hidden = full;
    this.note.textContent = `${this.items.length} / ${this.field.most}`;
  }

  #card(item, index) {
    const label = t("picture.name", { number: index + 1, name: item.name });
    const picture = item.preview ? h("img", { src: item.preview, alt: label, onerror: (event) => event.target.replaceWith(icon("picture")) }) : icon("link");
    const actions = [
      item.problem && item.mendable ? h("button", { type: "button", class: "button small", onclick: () => this.#mend(item) }, t("picture.mend")) : null,
      item.again ? h("button", { type: "button", class: "button small", onclick: () => this.#send(item) }, t("again")) : null,
      iconButton("close", t("picture.remove", { number: index + 1 }), () => this.#remove(item)),
    ];
    const facts = item.problem
      ? h("span", { class: "problem" }, item.problem)
      : h("span", { class: "soft" }, item.state ?? item.facts ?? hostOf(item.url));
    return h("li", { class: item.problem ? "refused" : "" }, h("span", { class: "thumb" }, picture), h("span", { class: "facts" }, h("b", {}, item.name), facts), actions);
  }

  #dropZone(ids) {
    const accept = "image/jpeg,image/png,image/webp,image/bmp";
    const choose = h("input", { id: ids.control, type: "file", accept, multiple: true, class: "unseen", onchange: () => this.#chosen(choose) });
    const zone = h("label", { class: "drop", for: ids.control }, choose, icon("upload"), h("span", {}, h("b", {}, t("picture.choose")), h("span", { class: "soft" }, t("picture.drop"))));
    listenForFiles(this, zone);
    return zone;
  }

  #chosen(choose) {
    this.addFiles(choose.files);
    choose.value = "";
  }

  #addressLine() {
    const id = newId("address");
    const add = () => {
      const url = input.value.trim();
      if (!new RegExp(this.field.pattern ?? "").test(url)) return input.setCustomValidity(t("picture.address")), input.reportValidity();
      input.value = "";
      this.addUrl(url);
    };
    const input = h("input", {
      id,
      type: "url",
      placeholder: "https://…",
      autocomplete: "off",
      oninput: () => input.setCustomValidity(""),
      onkeydown: (event) => event.key === "Enter" && (event.preventDefault(), add()),
    });
    const button = h("button", { type: "button", class: "button small", onclick: add }, t("picture.add"));
    this.address = h("div", { class: "address" }, h("label", { class: "unseen", for: id }, t("picture.by-address")), input, button);
    return this.address;
  }
}

/** Pictures that are dropped anywhere on the page, or pasted. Shelves of other modes are not on the page. */
function listenForFiles(shelf, zone) {
  const here = () => shelf.element.isConnected;
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => zone.classList.toggle("over", on);
  document.addEventListener("dragover", (event) => here() && isFiles(event) && (event.preventDefault(), mark(true)));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  document.addEventListener("drop", (event) => {
    if (!here() || !isFiles(event)) return;
    event.preventDefault();
    mark(false);
    shelf.addFiles(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    if (here() && files.length) event.preventDefault(), shelf.addFiles(files);
  });
}

const previewOf = (url) => (url.startsWith("data:image/") ? url : api.own(url));
const hostOf = (url) => URL.parse(url)?.host || url.slice(0, 24);
const nameOf = (url) => (/^https?:/i.test(url) && URL.parse(url)?.pathname.split("/").pop()) || url.slice(0, 24);
