// The models: each takes new tasks, or is switched off with a reason that its callers read.

import { actButton, say } from "../console/js/say.js";
import { h } from "../console/playground/js/dom.js";
import { badge, card, field, form, shown, time } from "./parts.js";
import * as service from "./service.js";
import { t } from "./text.js";

export class Models {
  constructor(place) {
    this.list = h("div", { class: "stack narrow" });
    place.replaceChildren(h("h2", { id: "models-title", tabindex: -1 }, t("models")), h("p", { class: "soft" }, t("models.text")), this.list);
  }

  show() {
    return shown(async () => this.#draw(await service.models()));
  }

  #draw({ items }) {
    this.list.replaceChildren(...items.map((model) => this.#model(model)));
  }

  #model(model) {
    const title = h("p", {}, h("code", {}, model.modelId));
    const state = model.on ? badge("success", t("model.on")) : badge("failed", t("model.off"));
    return card(model.title, state, title, ...(model.on ? [this.#off(model)] : this.#isOff(model)));
  }

  #off(model) {
    const reason = h("input", { type: "text", maxlength: 500, autocomplete: "off", required: true, placeholder: t("model.reason.example") });
    const act = async () => {
      if (!reason.value.trim()) throw new Error(t("model.reason.missing"));
      this.#draw(await service.turn(model.modelId, false, reason.value.trim()));
      say(t("model.off.done"));
    };
    return form([field(t("model.reason"), reason)], t("model.off.act"), act);
  }

  #isOff(model) {
    const act = async () => {
      this.#draw(await service.turn(model.modelId, true));
      say(t("model.on.done"));
    };
    const since = h("p", { class: "soft small" }, model.operator, " · ", time(model.switchedTime));
    return [h("p", {}, model.reason), since, h("div", {}, actButton(t("model.on.act"), act, { kind: "main" }))];
  }
}
