// The page comes to life: each part is made once, and told of the others that it needs.

import "./references.js";
import { Account } from "./account.js";
import * as api from "./api.js";
import { copy, startCode } from "./code.js";
import { online } from "./connection.js";
import { find } from "./dom.js";
import { startExamples } from "./examples.js";
import { Feed } from "./feed.js";
import { Form } from "./form.js";
import { startJson } from "./json.js";
import { linkOf, requestOf } from "./link.js";
import { startPanels } from "./panels.js";
import { startPreferences } from "./preferences.js";
import { Price } from "./quote.js";
import { Request } from "./request.js";
import { Submit } from "./submit.js";
import { announce, t } from "./text.js";

async function readSchemas() {
  for (;;) {
    try {
      return await api.schemas();
    } catch (error) {
      if (!(error instanceof api.Offline)) throw error;
      await online();
    }
  }
}

/** What was given with a link wins over what was in the form before. */
function takeUp(request) {
  request.restore();
  const linked = requestOf(location.hash);
  if (!linked) return;
  history.replaceState(null, "", location.pathname);
  try {
    request.take(linked.body, linked.model);
  } catch {
    announce(t("link.broken"));
  }
}

function bodyOf(task) {
  const input = { mode: task.mode, prompt: task.prompt, negative_prompt: task.negativePrompt, aspect_ratio: task.aspectRatio, num_images: task.numImages, image_urls: task.imageUrls };
  return { input: Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) };
}

function actionsOf(request, submit) {
  const reuse = (task) => {
    request.take(bodyOf(task), task.model);
    find("#form-tab").click();
    find("#request textarea").focus();
    announce(t("reused"));
  };
  const again = (task) => {
    request.take(bodyOf(task), task.model);
    submit().send();
  };
  const reference = (url) => {
    const mode = request.model.modes.find((one) => one.fields.some((field) => field.kind === "pictures"));
    if (!mode.fields.some((field) => request.mode.fields.includes(field) && field.kind === "pictures")) request.chooseMode(mode.name);
    document.dispatchEvent(new CustomEvent("use-reference", { detail: url }));
    find("#form-tab").click();
    find("#request textarea").focus();
  };
  return { reuse, again, reference };
}

function startModels(request) {
  const select = find("#model");
  select.replaceChildren(...request.models.map((model) => new Option(model.title, model.id)));
  find("#model-line").hidden = request.models.length < 2;
  select.addEventListener("change", () => request.chooseModel(select.value));
  request.addEventListener("change", () => (select.value = request.model.id));
}

function startLink(request) {
  find("#share").addEventListener("click", () => {
    const link = linkOf(request.model.id, request.body);
    if (link) copy(link);
    else announce(t("link.long"));
  });
}

async function start() {
  startPreferences();
  startPanels();
  const request = new Request(await readSchemas());
  takeUp(request);
  const account = new Account();
  const form = new Form(find("#form"), request);
  const readable = startJson(request);
  const check = () => (find("#form").hidden ? readable() : form.check());
  const feed = new Feed(account, actionsOf(request, () => submit));
  const submit = new Submit({ request, account, form, check, done: (task) => (find("#pictures-tab").click(), feed.add(task)) });
  startModels(request);
  startLink(request);
  startExamples(request);
  startCode(request, account);
  new Price(request, account, form).renew();
  document.documentElement.classList.add("ready");
  await account.start();
}

await start();
