// Elements without markup: texts stay texts, so nothing that a person or a server wrote can run.

const SVG = "http://www.w3.org/2000/svg";

/** A new element. `on…` attributes are listeners; false, null and undefined ones are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One of the drawings at the end of the page, which says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button with a drawing; `label` is read out, and shown too unless `quiet`. */
export function iconButton(name, label, onclick, { quiet = true, ...attributes } = {}) {
  const named = quiet ? { "aria-label": label, title: label } : {};
  const kind = quiet ? "button ghost round" : "button ghost";
  return h("button", { type: "button", class: kind, onclick, ...named, ...attributes }, icon(name), quiet ? null : h("span", {}, label));
}

export const find = (selector, within = document) => within.querySelector(selector);
export const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

let numbers = 0;
/** An id that no other element has. */
export const newId = (prefix) => `${prefix}-${++numbers}`;
