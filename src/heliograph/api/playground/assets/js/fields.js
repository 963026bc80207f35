// One widget for each kind of field. Each gives `{element, show}`: `show(value)` brings it up to date.

import { findAll, h, newId } from "./dom.js";
import { has, language, number, t, tn } from "./text.js";
import { length } from "./schema.js";

const LARGEST_SIDE_PX = 34;

/** What a field is called: by a message, else by its own name. */
export const nameOf = (field) => (has(`field.${field.name}`) ? t(`field.${field.name}`) : field.name.replaceAll("_", " "));

/** A word of explanation: by a message, else the schema's own, which is English. */
function hintOf(field, limits) {
  if (has(`hint.${field.name}`)) return t(`hint.${field.name}`, field.kind === "pictures" ? wordsOf(limits) : {});
  return has(`field.${field.name}`) || language !== "en" ? "" : field.description;
}

const wordsOf = (limits) => ({
  formats: limits.reference_formats.join(", "),
  least: limits.min_reference_side_px,
  most: limits.max_reference_side_px,
  megabytes: Math.floor(limits.max_reference_bytes / (1 << 20)),
});

/** The widget of a field, within its label, hint and problem. `change(value)` is told what a person enters. */
export function widgetOf(field, mode, change) {
  const ids = { control: newId(field.name), hint: newId("hint"), problem: newId("problem") };
  const widget = KINDS[field.kind](field, change, ids, mode);
  const hint = hintOf(field, mode.limits);
  const group = widget.group ?? false;
  const optional = field.required || group || field.kind === "text" ? null : h("span", { class: "soft" }, ` ${t("optional")}`);
  const title = group ? h("legend", {}, nameOf(field), widget.note) : h("label", { for: ids.control }, nameOf(field), optional);
  const element = h(
    group ? "fieldset" : "div",
    { class: `field field-${field.kind}`, "data-path": field.path },
    title,
    widget.element,
    hint ? h("p", { class: "hint", id: ids.hint }, hint) : null,
    h("p", { class: "problem", id: ids.problem, hidden: true }),
  );
  return { element, show: widget.show };
}

const KINDS = { text, line, number: numeric, count, ratio, choice, switch: toggle };

/** Names for a widget of another file, so that this one need not know it. */
export const addKind = (name, make) => (KINDS[name] = make);

const described = (ids) => ({ id: ids.control, "aria-describedby": `${ids.hint} ${ids.problem}` });

function text(field, change, ids) {
  const counter = h("span", { class: "counter" });
  const warning = h("span", { class: "warning", role: "status" });
  const area = h("textarea", {
    ...described(ids),
    rows: field.required ? 5 : 2,
    required: field.required,
    "aria-required": field.required,
    placeholder: has(`placeholder.${field.name}`) ? t(`placeholder.${field.name}`) : "",
    oninput: () => (count(), change(area.value)),
  });
  const count = () => {
    const used = length(area.value);
    counter.textContent = `${number(used)} / ${number(field.most)}`;
    counter.classList.toggle("over", used > field.most);
    warning.textContent = used > field.most ? tn("cut", used - field.most) : "";
  };
  const show = (value) => {
    if (area.value !== value) area.value = value ?? "";
    count();
  };
  return { element: h("div", { class: "text" }, area, h("div", { class: "below" }, warning, counter)), show };
}

function line(field, change, ids) {
  const type = field.name.endsWith("_url") ? "url" : "text";
  const input = h("input", { ...described(ids), type, autocomplete: "off", oninput: () => change(input.value.trim()) });
  return { element: input, show: (value) => input.value.trim() !== value && (input.value = value ?? "") };
}

function numeric(field, change, ids) {
  const read = () => change(input.value === "" ? null : Number(input.value));
  const input = h("input", { ...described(ids), type: "number", inputmode: "numeric", min: field.least, max: field.most, oninput: read });
  return { element: input, show: (value) => (input.value = value ?? "") };
}

function choice(field, change, ids) {
  const options = field.options.map((option) => h("option", { value: option }, String(option)));
  const select = h("select", { ...described(ids), onchange: () => change(select.value) }, options);
  return { element: select, show: (value) => (select.value = value ?? "") };
}

function toggle(field, change, ids) {
  const box = h("input", { ...described(ids), type: "checkbox", onchange: () => change(box.checked) });
  return { element: box, show: (value) => (box.checked = Boolean(value)) };
}

/** Radio buttons in a row: each option is drawn by `face`. */
function radios(field, options, change, ids, face) {
  const choose = (option) => h("input", { type: "radio", name: ids.control, value: option, class: "unseen", onchange: () => change(option) });
  const labels = options.map((option) => h("label", { class: "pick" }, choose(option), face(option)));
  const element = h("div", { class: `picks picks-${field.kind}` }, labels);
  const show = (value) => findAll("input", element).forEach((input) => (input.checked = input.value === String(value)));
  return { element, show, group: true };
}

function count(field, change, ids) {
  const options = Array.from({ length: field.most - field.least + 1 }, (_, index) => field.least + index);
  return radios(field, options, change, ids, (option) => h("span", {}, number(option)));
}

/** Each ratio as a frame drawn to the scale of the picture that it makes. */
function ratio(field, change, ids, mode) {
  const note = h("span", { class: "note" });
  const longest = Math.max(...field.options.flatMap((option) => mode.sizes[option]));
  const face = (option) => {
    const frame = h("span", { class: "frame" });
    const [width, height] = mode.sizes[option].map((side) => `${(side / longest) * LARGEST_SIDE_PX}px`);
    Object.assign(frame.style, { width, height });
    return h("span", { class: "ratio" }, h("span", { class: "easel" }, frame), option);
  };
  const widget = radios(field, field.options, change, ids, face);
  const show = (value) => {
    widget.show(value);
    note.textContent = (mode.sizes[value] ?? []).length ? `${mode.sizes[value].join(" × ")} px` : "";
  };
  return { ...widget, show, note };
}
