// The service as functions: each answers with `data`, or throws one of the two errors below.

import { readKey } from "./key.js";

/** The service said no. `code` is the HTTP status, `field` the path of the field that is wrong, `language` that of the sentence. */
export class Refusal extends Error {
  constructor(answer, body) {
    super(body?.message ?? `HTTP ${answer.status}`);
    this.code = answer.status;
    this.field = body?.data?.field;
    this.sentence = body?.data?.error ?? this.message;
    this.language = answer.headers.get("content-language") ?? "en";
    this.retryAfterSeconds = Number(answer.headers.get("retry-after")) || null;
    this.requestId = answer.headers.get("x-request-id");
  }
}

/** The service cannot be reached. */
export class Offline extends Error {}

let keyToAskWith = readKey;
/** From now on ask by the cookie of who is signed in, whichever key is kept. */
export const askAsSignedIn = () => (keyToAskWith = () => null);

/** The answer to a request with the key, whatever it is. Throws Offline. */
export async function ask(path, { headers = {}, ...options } = {}) {
  const key = keyToAskWith();
  if (key) headers.Authorization = `Bearer ${key}`;
  headers["Accept-Language"] = document.documentElement.lang;
  try {
    return await fetch(path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    document.dispatchEvent(new CustomEvent("offline-seen"));
    throw new Offline(error.message);
  }
}

/** Throws Refusal unless the answer is good. */
export async function checked(answer) {
  if (answer.ok) return answer;
  throw new Refusal(answer, await answer.json().catch(() => null));
}

async function data(path, options) {
  const answer = await checked(await ask(path, options));
  try {
    return (await answer.json()).data;
  } catch (error) {
    throw error.name === "AbortError" ? error : new Offline(error.message);
  }
}

const json = (body, headers = {}) => ({
  method: "POST",
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});

export const usage = () => data("/api/v1/apikeys/usage");
export const prices = () => data("/api/v1/models");
export const quote = (model, body, signal) => data(`/api/v1/quoteTask/${model}`, { ...json(body), signal });
export const submit = (model, body, idempotencyKey) =>
  data(`/api/v1/generateTask/${model}`, json(body, { "Idempotency-Key": idempotencyKey }));
export const task = (taskId) => data(`/api/v1/tasks/${taskId}`);
export const tasks = (query) => data(`/api/v1/tasks?${new URLSearchParams(query)}`);
export const cancel = (model, taskId) => data(`/api/v1/cancelTask/${model}?taskId=${taskId}`, { method: "POST" });
export const remove = (taskId) => data(`/api/v1/tasks/${taskId}`, { method: "DELETE" });
export const signOut = () => data("/api/v1/session", { method: "DELETE", headers: { "Content-Type": "application/json" } });
export const upload = (file, signal) =>
  data("/api/v1/files", { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file, signal });

/** The schemas of all models of the server; they stand in no envelope and need no key. */
export async function schemas() {
  const read = async (path) => (await checked(await ask(path))).json();
  const index = await read("/docs/models/schemas/index.json");
  return Promise.all(index.models.map((model) => read(model.schema_path)));
}

/** Whether the server answers. */
export async function isAlive() {
  try {
    return (await fetch("/health/live", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** A file of the server under this page's own origin, whatever address the server is known by outside. */
export function own(url) {
  const match = /^https?:\/\/[^/]+(?:\/.*)?(\/files\/[^?#]+)$/.exec(url);
  return match ? match[1] : null;
}
