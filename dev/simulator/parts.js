// The parts of the stack: what runs, since how many ms, where, and whether it is the real thing.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { ms, stamp } from "./format.js";
import { t } from "./i18n.js";
import { failed } from "./overlay.js";
import { refresh } from "./live.js";
import { state } from "./store.js";

// What the stack lets us stop: the two stores and every function; real services from .env are left alone.
export const stoppable = (part) =>
  !(part.real && !part.name.startsWith("api-")) &&
  (["upstash", "postgres"].includes(part.name) || part.name.startsWith("api-"));

export function partsPanel(body, hub) {
  const draw = () =>
    replace(
      body,
      state.parts.length ? state.parts.map(partCard) : h("p", { class: "hint" }, t("no_parts")),
      h("section", { class: "section" }, h("h3", {}, t("webhooks")), state.bots.map(webhook)),
    );
  for (const topic of ["parts", "state"]) hub.on(topic, draw);
  draw();
  refresh().catch(() => {}); // the banner already says when the stack is gone
}

function partCard(part) {
  return h(
    "div",
    { class: "part", test: "part", "data-part": part.name, "data-status": part.status },
    h(
      "div",
      { class: "part-line" },
      h("i", { class: `dot ${{ up: "good", starting: "wait" }[part.status] || "bad"}` }),
      h("b", {}, part.name),
      h("span", { class: "tag" }, part.real ? t("real") : t("standin")),
      h("span", { class: "took" }, part.status === "up" ? ms(part.ms) : t(`st_${part.status}`)),
    ),
    part.detail && h("p", { class: "hint" }, part.detail),
    part.url &&
      h(
        "p",
        { class: "url" },
        /^https?:/.test(part.url)
          ? h("a", { href: part.url, target: "_blank", rel: "noopener" }, part.url)
          : h("code", {}, part.url),
      ),
    stoppable(part) && partButtons(part),
  );
}

export function partButtons(part) {
  const up = part.status === "up" || part.status === "starting";
  const button = (action, label) =>
    h("button", {
      class: "chip",
      test: `part-${part.name}-${action}`,
      onclick: (event) => run(event.target, part.name, action),
    }, label);
  return h(
    "div",
    { class: "chips" },
    up ? button("stop", t("stop")) : button("start", t("start_part")),
    button("restart", t("restart")),
    up && part.name.startsWith("api-") && button("kill", t("kill")),
  );
}

async function run(button, name, action) {
  button.disabled = true;
  try {
    await api.part(name, action);
    await refresh();
  } catch (error) {
    failed(error);
    button.disabled = false;
  }
}

function webhook(bot) {
  const hook = bot.webhook || {};
  return h(
    "div",
    { class: "part", test: "webhook" },
    h(
      "div",
      { class: "part-line" },
      h("i", { class: `dot ${!hook.url || hook.last_error_message ? "bad" : "good"}` }),
      h("b", {}, `@${bot.username}`),
      h("span", { class: "took" }, t("pending_n", { n: hook.pending_update_count ?? 0 })),
    ),
    h("p", { class: "url" }, h("code", {}, hook.url || t("not_set"))),
    hook.last_error_message &&
      h("p", { class: "problem" }, `${t("last_error")}: ${hook.last_error_message} ${stamp(hook.last_error_date)}`),
  );
}
