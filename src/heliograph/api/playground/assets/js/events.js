// Server-sent events by fetch, because the browser's own reader cannot send a key.

import { ask, checked, Offline } from "./api.js";

// The server says something every 15 seconds.
const SILENCE_MS = 40_000;

/** The events of a task, as `{id, data}`, from what comes after `lastId` on. Throws Refusal, Offline. */
export async function* events(taskId, lastId, signal) {
  const headers = { Accept: "text/event-stream" };
  if (lastId !== null) headers["Last-Event-ID"] = lastId;
  const answer = await checked(await ask(`/api/v1/tasks/${taskId}/events`, { headers, signal }));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await read(reader);
      if (done) return;
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function read(reader) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Offline("silence")), SILENCE_MS);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Offline(error.message);
  } finally {
    clearTimeout(timer);
  }
}

/** What a block of lines says; null for a comment, which only keeps the connection open. */
function parse(block) {
  const lines = block.split("\n").map((line) => /^(\w+): ?(.*)$/.exec(line)).filter(Boolean);
  const said = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
  return said.data ? { id: said.id ?? null, data: JSON.parse(said.data) } : null;
}
