// The panel at the right: tabs, and the one place that decides what is drawn in it.

import { branchesPanel } from "./branches.js";
import { h, replace } from "./dom.js";
import { faultsPanel } from "./faults.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { logPanel } from "./logpanel.js";
import { partsPanel } from "./parts.js";
import { queuePanel } from "./queue.js";
import { setInspector, state, subscriptions } from "./store.js";
import { tracePanel } from "./trace.js";

/** @type {[string, string, (body: HTMLElement, hub: any) => void][]} */
const TABS = [
  ["message", "message", tracePanel],
  ["queue", "queue", queuePanel],
  ["faults", "bolt", faultsPanel],
  ["parts", "parts", partsPanel],
  ["branches", "branch", branchesPanel],
  ["log", "log", logPanel],
];

export function inspector(hub) {
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t("inspector"), onkeydown: walk });
  const body = h("div", { class: "panel", role: "tabpanel", test: "inspector-body" });
  const close = h("button", {
    class: "icon-button",
    test: "inspector-close",
    "aria-label": t("close"),
    onclick: () => setInspector({ open: false }),
  }, icon("close", 20));
  const box = h(
    "aside",
    { class: "inspector", "aria-label": t("inspector"), test: "inspector" },
    h("div", { class: "inspector-head" }, tabs, close),
    body,
  );
  let shown = "";
  let inner = null;

  function draw() {
    const { open, tab, subject } = state.inspector;
    box.hidden = !open;
    replace(tabs, TABS.map(([name, sign]) => tabButton(name, sign, name === tab)));
    const now = open
      ? `${tab} ${
        tab === "message" ? `${subject?.key} ${subject?.message?.message_id} ${subject?.update} ${subject?.at}` : ""
      }`
      : "";
    if (now === shown) return;
    shown = now;
    inner?.end();
    inner = null;
    replace(body);
    if (!open) return;
    inner = subscriptions();
    (TABS.find(([name]) => name === tab) || TABS[0])[2](body, inner);
  }

  hub.on("inspector", draw);
  hub.on("state", () => shown === "" && draw());
  draw();
  return box;
}

function tabButton(name, sign, selected) {
  return h(
    "button",
    {
      role: "tab",
      class: "tab",
      "aria-selected": String(selected),
      tabindex: selected ? 0 : -1,
      test: `tab-${name}`,
      title: t(`tab_${name}`),
      onclick: () => setInspector({ tab: name }),
    },
    icon(sign, 20),
    h("span", {}, t(`tab_${name}`)),
  );
}

function walk(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const index = TABS.findIndex(([name]) => name === state.inspector.tab);
  setInspector({ tab: TABS[(index + step + TABS.length) % TABS.length][0] });
  event.currentTarget.querySelector("[aria-selected='true']")?.focus();
}
