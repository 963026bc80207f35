// Following a task to its end: by events where a connection can be spared, else by asking now and then.

import * as api from "./api.js";
import { events } from "./events.js";
import { online } from "./connection.js";

// A browser opens six connections to a server, shared by all its tabs. Pictures need some of them.
const MOST_STREAMS = 2;
const POLL_MS = 2000;
let streams = 0;

const OPEN = new Set(["pending", "processing"]);
export const isOpen = (task) => OPEN.has(task.state);

/** Call `show` with each change of an open task until it has ended; the last call has all its detail. */
export async function follow(task, show, signal) {
  const seen = { id: null, open: true };
  while (seen.open && !signal.aborted) {
    try {
      if (!document.hidden && streams < MOST_STREAMS) await stream(task.taskId, show, seen, signal);
      else await poll(task.taskId, show, seen);
    } catch (error) {
      if (error.name === "AbortError") continue;
      await outlast(error);
    }
    if (seen.open && !signal.aborted) await pause(seen.id === null || document.hidden ? POLL_MS : 200);
  }
  while (!signal.aborted) {
    try {
      return show(await api.task(task.taskId));
    } catch (error) {
      await outlast(error);
      await pause(POLL_MS);
    }
  }
}

/** Wait until what was in the way may be over. Throws what does not pass by itself. */
async function outlast(error) {
  if (!(error instanceof api.Offline) && error.code < 500 && error.code !== 429) throw error;
  await online();
}

async function stream(taskId, show, seen, signal) {
  const stop = new AbortController();
  const end = () => stop.abort();
  const hide = () => document.hidden && end();
  signal.addEventListener("abort", end);
  document.addEventListener("visibilitychange", hide);
  // what was open before an outage may say nothing any more, and never end
  document.addEventListener("online-again", end);
  addEventListener("online", end);
  streams += 1;
  try {
    for await (const event of events(taskId, seen.id, stop.signal)) {
      seen.id = event.id;
      seen.open = isOpen(event.data);
      if (seen.open) show(event.data);
    }
  } finally {
    streams -= 1;
    signal.removeEventListener("abort", end);
    document.removeEventListener("visibilitychange", hide);
    document.removeEventListener("online-again", end);
    removeEventListener("online", end);
  }
}

async function poll(taskId, show, seen) {
  const task = await api.task(taskId);
  seen.open = isOpen(task);
  if (seen.open) show(task);
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
