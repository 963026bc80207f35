// The documentation comes to life: its listings can be copied, and its calls can be tried.

import { find, findAll, h } from "./playground/js/dom.js";
import { readKey } from "./playground/js/key.js";
import { startPreferences } from "./playground/js/preferences.js";
import { announce } from "./playground/js/text.js";

const says = document.body.dataset;
const fill = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);

// Only pages that came over TLS, or from this machine, may write to the clipboard.
if (navigator.clipboard) for (const listing of findAll(".listing")) listing.append(copyButton(find("pre", listing)));

function copyButton(pre) {
  const button = h("button", { type: "button", class: "button small" }, says.copy);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = says.copied;
    announce(says.copied);
    setTimeout(() => (button.textContent = says.copy), 2000);
  });
  return button;
}

const keyField = find("#key");
for (const part of findAll("#key-form, .try")) part.hidden = false;
if (keyField) keyField.value = readKey() ?? "";
find("#key-form")?.addEventListener("submit", (event) => event.preventDefault());

for (const form of findAll(".try form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, find("pre", form.parentElement));
  });
}

/** Send the request of a form from this page and show the answer as it came. */
async function send(form, output) {
  output.textContent = "…";
  try {
    const answer = await fetch(addressOf(form), requestOf(form));
    const head = `${answer.status} ${answer.statusText}\n${[...answer.headers].map((pair) => pair.join(": ")).join("\n")}`;
    output.textContent = `${head}\n\n${await readable(answer)}`;
  } catch (error) {
    output.textContent = fill(says.noAnswer, { reason: error.message });
  }
}

function addressOf(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of findAll("input", form)) {
    if (input.dataset.in === "query") query.set(input.name, input.value);
    if (input.dataset.in !== "path") continue;
    // The slashes of a file's path stay slashes.
    path = path.replace(`{${input.name}}`, encodeURIComponent(input.value).replaceAll("%2F", "/"));
  }
  return query.size ? `${path}?${query}` : path;
}

function requestOf(form) {
  const headers = Object.fromEntries(findAll("[data-in=header]", form).map((input) => [input.name, input.value]));
  if ("keyed" in form.dataset) headers.Authorization = `Bearer ${keyField.value.trim()}`;
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { method: form.dataset.method, headers, body };
}

async function readable(answer) {
  const type = answer.headers.get("content-type") ?? "";
  if (type.startsWith("image/")) return fill(says.bytes, { count: (await answer.blob()).size, kind: type });
  const text = await answer.text();
  return type.startsWith("application/json") ? JSON.stringify(JSON.parse(text), null, 2) : text;
}

startPreferences();
document.documentElement.classList.add("ready");
