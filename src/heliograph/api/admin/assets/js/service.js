// What these pages ask of the service. The session's cookie goes along by itself; an API key never does.

import { checked, Offline } from "../console/playground/js/api.js";

async function data(path, options = {}) {
  let answer;
  try {
    const headers = { "Accept-Language": document.documentElement.lang, ...options.headers };
    answer = await fetch(path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    document.dispatchEvent(new CustomEvent("offline-seen"));
    throw new Offline(error.message);
  }
  return (await (await checked(answer)).json()).data;
}

const ADMIN = "/api/v1/admin";
const read = (path, query = {}) => data(`${ADMIN}/${path}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`);
const post = (path, body = {}, headers = {}) =>
  data(`${ADMIN}/${path}`, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
const part = encodeURIComponent;

export const session = () => data("/api/v1/session");
export const leave = () => data("/api/v1/session", { method: "DELETE", headers: { "Content-Type": "application/json" } });
export const accounts = (query) => read("accounts", query);
export const account = (id) => read(`accounts/${part(id)}`);
export const credit = (id, body, repeatKey) => post(`accounts/${part(id)}/credit`, body, { "Idempotency-Key": repeatKey });
export const limits = (id, maxLiveTasks) => post(`accounts/${part(id)}/limits`, { maxLiveTasks });
export const revoke = (keyId) => post(`keys/${part(keyId)}/revoke`);
export const work = () => read("work");
export const providers = (days) => read("providers", { days });
export const webhooks = (query) => read("webhooks", query);
export const resend = (id) => post(`webhooks/${id}/resend`);
export const resendAll = (body) => post("webhooks/resend", body);
export const models = () => read("models");
export const turn = (model, on, reason = "") => post(`models/${part(model)}/switch`, { on, reason });
export const audit = () => read("audit");
export const runAudit = () => post("audit");
export const log = (query) => read("log", query);
