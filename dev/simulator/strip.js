// The line above everything. It shows only when something is not as usual: the stack is gone, faults are set, a part
// is down.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { has, t } from "./i18n.js";
import { icon } from "./icons.js";
import { failed } from "./overlay.js";
import { emit, setInspector, state } from "./store.js";

export function strip(hub) {
  const box = h("div", { class: "strip", "aria-live": "polite" });
  const draw = () => replace(box, lost(), badges());
  for (const topic of ["connection", "faults", "parts", "state"]) hub.on(topic, draw);
  draw();
  return box;
}

function lost() {
  if (state.connection !== "lost") return null;
  return h(
    "div",
    { class: "lost", role: "alert", test: "lost" },
    icon("warning", 18),
    h(
      "span",
      {},
      h("b", {}, t("lost_title")),
      " ",
      t("lost_text"),
      " ",
      h("code", {}, "make up"),
      " · ",
      t("lost_retry"),
    ),
  );
}

export function faultName(fault) {
  if (fault.part) return `${partName(fault.part)}: ${kindName(fault.part, fault.kind)}`;
  return `${fault.method === "*" ? "" : `${fault.method}: `}${t(`f_${fault.kind}`)}`;
}

export const partName = (part) => ({ kie: "KIE", openai: "OpenAI" })[part] ?? part;
export const kindName = (part, kind) => (has(`f_${part}_${kind}`) ? t(`f_${part}_${kind}`) : kind);

function badges() {
  const down = state.parts.filter((part) => part.status === "down" || part.status === "failed");
  if (!state.faults.length && !down.length) return null;
  return h(
    "div",
    { class: "faults", test: "fault-badges" },
    down.map((part) =>
      h(
        "button",
        { class: "fault", test: "part-badge", onclick: () => setInspector({ open: true, tab: "parts" }) },
        `${part.name}: ${t(`st_${part.status}`)}`,
      )
    ),
    state.faults.map((fault) =>
      h(
        "button",
        { class: "fault", test: "fault-badge", onclick: () => setInspector({ open: true, tab: "faults" }) },
        faultName(fault),
        fault.times > 1 && ` × ${fault.times}`,
      )
    ),
    state.faults.length > 0 &&
      h("button", { class: "link-button", test: "faults-clear-top", onclick: clearFaults }, t("clear_all")),
  );
}

export async function clearFaults() {
  try {
    await api.clearFaults();
    state.faults = [];
    emit("faults");
  } catch (error) {
    failed(error);
  }
}
