// The console comes to life: who is signed in, where one is, and which view shows it.

import "../playground/js/connection.js";
import { find, findAll } from "../playground/js/dom.js";
import { isOpen } from "../playground/js/follow.js";
import { startPreferences } from "../playground/js/preferences.js";
import { Detail } from "./detail.js";
import { History } from "./history.js";
import { Inbox } from "./inbox.js";
import { Keys } from "./keys.js";
import { placeOf } from "./place.js";
import { Session } from "./session.js";
import { t } from "./text.js";
import { Usage } from "./usage.js";
import { Webhooks } from "./webhooks.js";

const VIEWS = ["history", "task", "webhooks", "inbox", "usage", "keys"];

class Console {
  constructor(session) {
    Object.assign(this, { session, views: null, view: null, scrolled: 0 });
    session.addEventListener("change", () => this.#signed());
    addEventListener("hashchange", () => this.#go(true));
    document.addEventListener("online-again", () => this.#go());
  }

  /** Somebody came or left: nothing of whoever was there before stays. */
  #signed() {
    for (const view of Object.values(this.views ?? {})) (view.end ?? view.leave).call(view);
    for (const name of VIEWS) find(`#${name}`).replaceChildren();
    this.views = this.session.data ? this.#made() : null;
    find("#sections").hidden = !this.views;
    this.#go();
  }

  #made() {
    const history = new History();
    const task = new Detail((changed) => this.#heard(changed, history), () => history.address);
    const { data } = this.session;
    return { history, task, webhooks: new Webhooks(), inbox: new Inbox(data.accountId), usage: new Usage(), keys: new Keys(data.ownsAccount) };
  }

  #heard(task, history) {
    history.update(task);
    if (!isOpen(task)) this.session.refresh();
  }

  #go(moved = false) {
    const place = placeOf(location.hash);
    const view = VIEWS.includes(place.view) && (place.view !== "task" || place.id) ? place.view : "history";
    this.views?.[this.view]?.leave?.();
    if (this.view === "history") this.scrolled = scrollY;
    this.view = view;
    document.body.dataset.view = view;
    for (const name of VIEWS) find(`#${name}`).hidden = !this.views || (name !== view && !(name === "history" && view === "task"));
    document.title = `${t(`title.${view}`)} · Heliograph`;
    for (const link of findAll("#sections a")) mark(link, link.hash.startsWith(`#/${view === "task" ? "history" : view}`));
    if (this.views) this.#show(view, { ...place, view }, moved);
  }

  #show(view, place, moved) {
    const { history } = this.views;
    const before = history.chosen;
    history.choose(view === "task" ? place.id : null);
    if (view === "task" && !history.query) history.show({ query: {} });
    this.views[view].show(place);
    if (!moved) return;
    if (view === "history") return history.focus(before, this.scrolled);
    find(`#${view}-title`)?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function mark(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

startPreferences();
const session = new Session();
new Console(session);
await session.start();
document.documentElement.classList.add("ready");
