// What waits, for how long, and who works on it.

import { h } from "../console/playground/js/dom.js";
import { Again, badge, card, nothing, sheet, shown, shortTime } from "./parts.js";
import * as service from "./service.js";
import { age, number, t, tn } from "./text.js";

const AGAIN_MS = 5000;

export class Work {
  constructor(place) {
    this.tasks = h("div");
    this.queues = h("div");
    this.workers = h("div");
    place.replaceChildren(
      h("h2", { id: "work-title", tabindex: -1 }, t("work")),
      this.tasks,
      card(t("queues"), null, this.queues),
      card(t("workers"), null, this.workers),
    );
    this.again = new Again(() => shown(async () => this.#draw(await service.work())), AGAIN_MS);
  }

  show() {
    return this.again.start();
  }

  leave() {
    this.again.end();
  }

  #draw({ queues, tasks, workers }) {
    const figure = (name) => {
      const { tasks: count = 0, oldestTime } = tasks.find(({ state }) => state === name) ?? {};
      const oldest = oldestTime ? t("oldest", { age: age(Math.max(0, (Date.now() - oldestTime) / 1000)) }) : t("oldest.none");
      return h("div", { class: "panel figure" }, h("h3", {}, t(`tasks.${name}`)), h("p", { class: "value" }, number(count)), h("p", { class: "soft small" }, oldest));
    };
    const alive = workers.filter((one) => one.alive).length;
    const workersFigure = h("div", { class: "panel figure" }, h("h3", {}, t("workers.alive")), h("p", { class: alive ? "value" : "value trouble" }, number(alive)), h("p", { class: "soft small" }, alive ? tn("workers.known", workers.length) : t("workers.missing")));
    this.tasks.replaceChildren(h("div", { class: "figures" }, figure("pending"), figure("processing"), workersFigure));
    const heads = [[t("queue")], [t("queue.waiting"), true], [t("queue.oldest"), true], [t("queue.later"), true], [t("queue.taken"), true]];
    const line = (one) => [h("b", {}, one.name), number(one.waiting), one.oldestSeconds === undefined ? "–" : age(one.oldestSeconds), number(one.later), number(one.taken)];
    this.queues.replaceChildren(queues.length ? sheet(t("queues"), heads, queues.map(line)) : nothing(t("queues.empty")));
    this.workers.replaceChildren(workers.length ? workersOf(workers) : nothing(t("workers.none")));
  }
}

function workersOf(workers) {
  const heads = [[t("worker")], [t("worker.queues")], [t("worker.since")], [t("worker.state")]];
  const state = (one) => badge(one.alive ? "success" : "failed", one.alive ? t("worker.alive") : t("worker.silent", { age: age(one.silentSeconds) }));
  return sheet(t("workers"), heads, workers.map((one) => [[h("b", {}, one.host), " ", h("span", { class: "soft" }, t("worker.process", { number: one.processId }))], one.queues.join(", "), shortTime(one.startTime), state(one)]));
}
