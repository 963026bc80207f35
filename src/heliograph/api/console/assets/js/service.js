// What the console asks of the service beyond what the playground does.

import { ask, checked } from "../playground/js/api.js";

export { askAsSignedIn, Offline, own, prices, signOut, task, tasks } from "../playground/js/api.js";

const data = async (path, options) => (await (await checked(await ask(path, options))).json()).data;
// What changes something must say that it is JSON: no other site's form can.
const send = (method, path, body = {}) => data(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const post = (path, body) => send("POST", path, body);

export const session = () => data("/api/v1/session");
export const signIn = (key) => data("/api/v1/session", { method: "POST", headers: { Authorization: `Bearer ${key}` } });

export const cancel = (model, taskId) => post(`/api/v1/cancelTask/${model}?taskId=${taskId}`);
export const remove = (taskId) => send("DELETE", `/api/v1/tasks/${taskId}`);

export const keys = () => data("/api/v1/apikeys");
export const createKey = (key) => post("/api/v1/apikeys", key);
export const changeKey = (keyId, changes) => send("PATCH", `/api/v1/apikeys/${keyId}`, changes);
export const rotateKey = (keyId, keepHours) => post(`/api/v1/apikeys/${keyId}/rotate`, { keepHours });
export const revokeKey = (keyId) => post(`/api/v1/apikeys/${keyId}/revoke`);

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
