// Pictures to keep: one as its own file, all of a task as one archive.

import { made, shown } from "./outcome.js";
import { h } from "./dom.js";
import { announce, t } from "./text.js";
import { zipOf } from "./zip.js";

/** A name that tells what the picture is of and is good on every system. */
function fileName(task, index, url) {
  const words = (task.prompt ?? "").normalize("NFKD").toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const stem = words.slice(0, 6).join("-").slice(0, 60) || task.taskId.slice(0, 12);
  return `${stem}-${index + 1}${/\.\w+$/.exec(url)?.[0] ?? ".png"}`;
}

export async function saveOne(task, index) {
  const url = shown(task.images[index]);
  await fetched([url], ([bytes]) => save(new Blob([bytes]), fileName(task, index, url)));
}

export async function saveAll(task) {
  const urls = made(task.images).map(shown);
  const pack = (files) => zipOf(files.map((bytes, index) => ({ name: fileName(task, index, urls[index]), bytes })));
  await fetched(urls, (files) => save(pack(files), `${fileName(task, 0, "").replace(/-1\.png$/, "")}.zip`));
}

async function fetched(urls, then) {
  try {
    const answers = await Promise.all(urls.map((url) => fetch(url)));
    if (answers.some((answer) => !answer.ok)) throw new Error(t("picture.gone"));
    then(await Promise.all(answers.map(async (answer) => new Uint8Array(await answer.arrayBuffer()))));
    announce(t("downloaded"));
  } catch {
    announce(t("picture.gone"));
  }
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
