// Break things on purpose: the Bot API, the generation providers, this user, Redis, Postgres.
// What is set also shows above the page.

import { api } from "./api.js";
import { toggleBlock } from "./chatmenu.js";
import { h, replace } from "./dom.js";
import { t } from "./i18n.js";
import { failed } from "./overlay.js";
import { partButtons, stoppable } from "./parts.js";
import { chatOf, emit, state } from "./store.js";
import { clearFaults, faultName, kindName, partName } from "./strip.js";

const KINDS = ["429", "403", "400", "500", "slow", "timeout", "timeout_after"];
const METHODS = [
  "*",
  "sendMessage",
  "sendPhoto",
  "sendDocument",
  "editMessageText",
  "editMessageMedia",
  "editMessageReplyMarkup",
  "answerCallbackQuery",
  "sendChatAction",
  "getFile",
  "sendInvoice",
  "answerPreCheckoutQuery",
  "deleteMessage",
];
const choice = { method: "*", times: 1, here: false };

export function faultsPanel(body, hub) {
  const draw = () => replace(body, active(), botApi(), providers(), people(), parts());
  for (const topic of ["faults", "parts", "columns", "chats", "state"]) {
    hub.on(topic, () => !body.contains(document.activeElement?.closest?.("select, input")) && draw());
  }
  draw();
}

function active() {
  if (!state.faults.length) return h("p", { class: "hint", test: "no-faults" }, t("no_faults"));
  return h(
    "section",
    { class: "section" },
    h(
      "h3",
      {},
      t("active_faults"),
      h("button", { class: "link-button", test: "faults-clear", onclick: clearFaults }, t("clear_all")),
    ),
    h(
      "div",
      { class: "chips" },
      state.faults.map((fault) =>
        h("span", { class: "fault", test: "active-fault" }, faultName(fault), ` × ${fault.left ?? fault.times ?? 1}`)
      ),
    ),
  );
}

function botApi() {
  const method = h(
    "select",
    {
      class: "input",
      test: "fault-method",
      "aria-label": t("method"),
      onchange: (event) => (choice.method = event.target.value),
    },
    METHODS.map((name) =>
      h("option", { value: name, selected: name === choice.method }, name === "*" ? t("any_method") : name)
    ),
  );
  const times = h("input", {
    class: "input short",
    type: "number",
    min: 1,
    max: 99,
    value: String(choice.times),
    test: "fault-times",
    "aria-label": t("times"),
    oninput: (event) => (choice.times = Number(event.target.value) || 1),
  });
  const here = h("input", {
    type: "checkbox",
    test: "fault-here",
    checked: choice.here,
    onchange: (event) => (choice.here = event.target.checked),
  });
  return h(
    "section",
    { class: "section" },
    h("h3", {}, t("bot_api_faults")),
    h("p", { class: "hint" }, t("faults_intro")),
    h("div", { class: "fields" }, method, h("label", { class: "with-label" }, h("span", {}, "×"), times)),
    h("label", { class: "check" }, here, t("only_chat")),
    h(
      "div",
      { class: "grid" },
      KINDS.map((kind) =>
        h("button", { class: "tile", test: `fault-${kind}`, onclick: () => add(kind) }, t(`f_${kind}`))
      ),
    ),
  );
}

/** The ways in which the stand-ins of KIE and OpenAI can fail; without AI=1 there are none. */
function providers() {
  return Object.entries(state.faultKinds).map(([part, groups], index) =>
    h(
      "section",
      { class: "section", test: `faults-of-${part}` },
      h("h3", {}, partName(part)),
      index === 0 && h("p", { class: "hint" }, t("provider_faults_intro")),
      Object.entries(groups).map(([group, kinds]) =>
        h(
          "div",
          { class: "fault-group" },
          h("h4", {}, t(`fg_${group}`)),
          h("div", { class: "chips" }, kinds.map((kind) => providerSwitch(part, kind))),
        )
      ),
    )
  );
}

function providerSwitch(part, kind) {
  const left = state.faults.filter((fault) => fault.part === part && fault.kind === kind).reduce(
    (sum, fault) => sum + fault.times,
    0,
  );
  const flip = () =>
    (left ? api.clearFaults(part, kind) : api.addFault({ part, kind, times: choice.times })).catch(failed);
  return h(
    "button",
    {
      class: "chip switch",
      "aria-pressed": String(left > 0),
      test: `fault-${part}-${kind}`,
      title: kind,
      onclick: flip,
    },
    kindName(part, kind),
    left > 0 && h("small", {}, `× ${left}`),
  );
}

async function add(kind) {
  const fault = { method: choice.method, kind, times: choice.times };
  if (kind === "429") fault.retry_after = 2;
  if (choice.here && state.active) {
    const [bot, user] = state.active.split(":");
    Object.assign(fault, { bot, user_id: Number(user) });
  }
  try {
    await api.addFault(fault);
    state.faults = (await api.state()).faults || [];
    emit("faults");
  } catch (error) {
    failed(error);
  }
}

function people() {
  if (!state.active) return null;
  const chat = chatOf(state.active);
  const label = chat.blocked ? t("f_unblocked") : t("f_blocked");
  return h(
    "section",
    { class: "section" },
    h("h3", {}, t("chats")),
    h(
      "div",
      { class: "grid" },
      h("button", { class: "tile", test: "fault-blocked", onclick: () => toggleBlock(state.active, chat) }, label),
    ),
  );
}

function parts() {
  const list = state.parts.filter(stoppable);
  return list.length > 0 &&
    h(
      "section",
      { class: "section" },
      h("h3", {}, t("part_faults")),
      list.map((part) => h("div", { class: "part-line" }, h("b", {}, part.name), partButtons(part))),
    );
}
