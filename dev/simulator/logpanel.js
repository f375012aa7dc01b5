// Everything that happened, newest first: all Bot API calls, and the lines the functions logged.

import { api } from "./api.js";
import { callRow, isBad } from "./calls.js";
import { h, replace } from "./dom.js";
import { ms, stamp } from "./format.js";
import { t } from "./i18n.js";
import { tree } from "./json.js";
import { state } from "./store.js";

const SHOWN = 200;
const view = { tab: "calls", text: "", bad: false };

export function logPanel(body, hub) {
  const list = h("div", { class: "log-list", test: "log-list" });
  const search = h("input", {
    class: "input",
    type: "search",
    test: "log-filter",
    placeholder: t("filter"),
    "aria-label": t("filter"),
    value: view.text,
    oninput: (event) => change({ text: event.target.value }),
  });
  const bad = h("input", {
    type: "checkbox",
    test: "log-problems",
    checked: view.bad,
    onchange: (event) => change({ bad: event.target.checked }),
  });
  const segments = h("div", { class: "segments", role: "radiogroup" });
  replace(body, segments, search, h("label", { class: "check" }, bad, t("only_problems")), list);

  function change(what) {
    Object.assign(view, what);
    draw();
  }

  function draw() {
    const segment = (name, label) =>
      h("button", {
        role: "radio",
        "aria-checked": String(view.tab === name),
        test: `log-${name}`,
        onclick: () => change({ tab: name }),
      }, label);
    replace(segments, segment("calls", t("log_calls")), segment("lines", t("log_lines")));
    drawList(list);
  }

  let due = null;
  const soon = () => {
    // A reader with something unfolded keeps it: new lines wait until it is folded again.
    if (list.querySelector("details[open]")) return;
    clearTimeout(due);
    due = setTimeout(() => drawList(list), 150);
  };
  hub.on("calls", soon);
  hub.on("log", soon);
  draw();
  fill().then(draw, () => {});
}

/** Calls from before this page was opened. */
async function fill() {
  if (state.callsFilled) return;
  const answer = await api.calls();
  const known = new Set(state.calls.map((call) => call.id));
  state.calls.unshift(...(Array.isArray(answer) ? answer : answer.calls || []).filter((call) => !known.has(call.id)));
  state.callsFilled = true;
}

function drawList(list) {
  const source = view.tab === "calls" ? state.calls : state.log;
  const words = view.text.trim().toLowerCase();
  const found = source.filter((item) =>
    (!view.bad || wrong(item)) && (!words || JSON.stringify(item).toLowerCase().includes(words))
  ).slice(-SHOWN).reverse();
  if (!found.length) {
    return replace(list, h("p", { class: "hint" }, source.length ? t("log_no_match") : t("log_empty")));
  }
  replace(list, found.map((item) => (view.tab === "calls" ? callRow(item) : lineRow(item))));
}

const wrong = (
  item,
) => (view.tab === "calls"
  ? isBad(item)
  : ["error", "warning"].includes(String(item.level || "").toLowerCase()) || item.status >= 400 || Boolean(item.error));

function lineRow(raw) {
  const line = typeof raw === "string" ? { message: raw } : raw;
  const words = [line.bot, line.update_id !== undefined && `#${line.update_id}`, line.task, line.state, line.message]
    .filter(Boolean).join(" ");
  return h(
    "details",
    {
      class: `call ${wrong(line) ? "bad" : ""}`,
      test: "log-line",
      ontoggle: (event) =>
        event.target.open && event.target.childElementCount === 1 && event.target.append(tree(line, 3)),
    },
    h(
      "summary",
      {},
      h("span", { class: `status ${wrong(line) ? "bad" : "good"}` }, line.status ?? "·"),
      h("b", {}, line.event || "log"),
      h("span", { class: "gist cut" }, words),
      h("span", { class: "took" }, line.ms !== undefined ? ms(line.ms) : stamp(line.at || line.time)),
    ),
  );
}
