// The pages come to life: who is signed in, where one is, and which view shows it.

import "../console/playground/js/connection.js";
import { find, findAll } from "../console/playground/js/dom.js";
import { startPreferences } from "../console/playground/js/preferences.js";
import { Account } from "./account.js";
import { Accounts } from "./accounts.js";
import { Audit } from "./audit.js";
import { Log } from "./log.js";
import { Models } from "./models.js";
import { placeOf } from "./place.js";
import { Providers } from "./providers.js";
import { Session } from "./session.js";
import { t } from "./text.js";
import { Webhooks } from "./webhooks.js";
import { Work } from "./work.js";

/** Each view, and the element that it fills: a few names are taken by other parts of the page. */
const VIEWS = { accounts: Accounts, account: Account, work: Work, providers: Providers, webhooks: Webhooks, models: Models, audit: Audit, log: Log };
const PLACES = { account: "account-view", webhooks: "webhooks-view" };
const placeFor = (view) => PLACES[view] ?? view;

class Admin {
  constructor(session) {
    Object.assign(this, { session, views: null, view: null });
    session.addEventListener("change", () => this.#signed());
    addEventListener("hashchange", () => this.#go(true));
    document.addEventListener("online-again", () => this.#go());
    this.#go();
  }

  /** Somebody came or left: nothing of what was seen before stays. */
  #signed() {
    this.views?.[this.view]?.leave?.();
    for (const name of Object.keys(VIEWS)) find(`#${placeFor(name)}`).replaceChildren();
    this.views = this.session.operator === null ? null : {};
    find("#sections").hidden = !this.views;
    this.#go();
  }

  #go(moved = false) {
    const place = placeOf(location.hash);
    const view = place.view in VIEWS ? place.view : "accounts";
    this.views?.[this.view]?.leave?.();
    this.view = view;
    document.body.dataset.view = view;
    for (const name of Object.keys(VIEWS)) find(`#${placeFor(name)}`).hidden = !this.views || name !== view;
    document.title = `${t(`title.${view}`)} · Heliograph`;
    const section = view === "account" ? "accounts" : view;
    for (const link of findAll("#sections a")) {
      if (link.hash === `#/${section}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (this.views) this.#show(view, place, moved);
  }

  #show(view, place, moved) {
    const element = find(`#${placeFor(view)}`);
    this.views[view] ??= new VIEWS[view](element);
    element.setAttribute("aria-busy", "true");
    Promise.resolve(this.views[view].show(place)).finally(() => element.removeAttribute("aria-busy"));
    find(`#sections [aria-current]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (!moved) return;
    find(`#${placeFor(view)}-title`)?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

startPreferences();
const session = new Session();
new Admin(session);
await session.start();
document.documentElement.classList.add("ready");
