// What the console asks of the service beyond what the playground does.

import { ask, checked } from "../playground/js/api.js";

export { cancel, Offline, own, prices, remove, task, tasks, usage } from "../playground/js/api.js";

const data = async (path, options) => (await (await checked(await ask(path, options))).json()).data;
const post = (path, body = {}) =>
  data(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const deliveries = (query) => data(`/api/v1/webhooks?${new URLSearchParams(query)}`);
export const delivery = (id) => data(`/api/v1/webhooks/${id}`);
export const resend = (id) => post(`/api/v1/webhooks/${id}/resend`);
export const resendAll = (since, url) => post("/api/v1/webhooks/resend", { since, ...(url && { url }) });
export const test = (url) => post("/api/v1/webhooks/test", { url });
export const receivers = (query = {}) => data(`/api/v1/webhooks/receivers?${new URLSearchParams(query)}`);
export const enable = (url) => post("/api/v1/webhooks/receivers/enable", { url });
export const rotate = (overlapHours) => post("/api/v1/webhooks/secret/rotate", { overlapHours });
export const openInbox = () => post("/api/v1/webhooks/inboxes");
export const messages = (inboxId, after, wait, signal) =>
  data(`/api/v1/webhooks/inboxes/${inboxId}/messages?after=${after}&wait=${wait}`, { signal });

/** The statement of a time as a CSV file that is on its way. */
export const statement = async (query, signal) =>
  checked(await ask(`/api/v1/statement?${new URLSearchParams({ ...query, format: "csv" })}`, { signal }));
