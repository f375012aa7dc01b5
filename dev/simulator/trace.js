// The story of one update: delivered, looked up, written, answered. Drawn from the trace of the stand-in.

import { api } from "./api.js";
import { callRow } from "./calls.js";
import { h, replace } from "./dom.js";
import { clock, fullName, ms, preview, stamp } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { difference, tree } from "./json.js";
import { copy, failed, toast } from "./overlay.js";
import { jobRow, ledgerRow } from "./queue.js";
import { rawUpdate } from "./raw.js";
import { botOf, setInspector, state, userOf } from "./store.js";

export function tracePanel(body, hub) {
  const subject = state.inspector.subject;
  if (!subject) {
    return replace(
      body,
      h(
        "div",
        { class: "panel-empty", test: "trace-empty" },
        icon("inspect", 40),
        h("p", {}, t("pick_message")),
        h("p", { class: "hint" }, t("tips")),
      ),
    );
  }
  const bot = subject.key.split(":")[0];
  const id = subject.update ?? subject.message?.sim?.update_id ?? null;
  const content = h("div", { class: "trace", test: "trace" });
  replace(
    body,
    subject.message && headline(subject),
    id !== null && actions(subject.key, bot, id, () => load()),
    content,
  );

  let timer = null;
  async function load() {
    try {
      if (id === null) drawAlone(content, subject, await api.calls(bot));
      else draw(content, await api.trace(bot, id), await history(bot, subject));
    } catch (error) {
      replace(content, h("p", { class: "problem" }, t("failed", { why: error.message })));
    }
  }
  // A trace grows while the function works; several events in a row are one look.
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(load, 250);
  };
  hub.on("deliveries", (event) => event.update_id === id && later());
  hub.on("calls", later);
  hub.on("log", later);
  load();
}

function headline({ key, message }) {
  const who = message.sim?.outgoing ? fullName(userOf(key)) : botOf(key)?.title || key;
  return h(
    "div",
    { class: "trace-head" },
    h("b", {}, who),
    h("span", { class: "cut" }, preview(message)),
    h("time", {}, clock(message.date)),
  );
}

function actions(key, bot, id, reload) {
  const again = (times) => async () => {
    try {
      await api.replay(bot, id, times);
      toast(t("replayed", { n: times }));
      reload();
    } catch (error) {
      failed(error);
    }
  };
  const edit = async () => {
    try {
      const { update_id: _, ...rest } = (await api.trace(bot, id)).update;
      rawUpdate(key, rest);
    } catch (error) {
      failed(error);
    }
  };
  const curl = async () => {
    const { update } = await api.trace(bot, id);
    copy(curlOf(bot, update));
  };
  const button = (test, sign, label, run) => h("button", { class: "chip", test, onclick: run }, icon(sign, 16), label);
  return h(
    "div",
    { class: "chips" },
    button("replay", "replay", t("replay"), again(1)),
    button("replay-twice", "twice", t("twice"), again(2)),
    button("edit-send", "edit", t("edit_send"), edit),
    button("copy-curl", "copy", t("copy_curl"), curl),
  );
}

/** Written so that it can be pasted in a shell: the secret stays a variable. */
function curlOf(bot, update) {
  const url = botOf(`${bot}:`)?.webhook?.url || `$PUBLIC_URL/api/telegram/${bot}`;
  const body = JSON.stringify(update).replaceAll("'", "'\\''");
  const secret = "X-Telegram-Bot-Api-Secret-Token: $WEBHOOK_SECRET";
  return `curl -sS '${url}' -H 'Content-Type: application/json' -H "${secret}" -d '${body}'`;
}

/** All calls that made or changed this message: presses and jobs have no bubble, so they are found here. */
async function history(bot, { key, message }) {
  const ids = new Set(message?.sim?.outgoing ? [] : message?.sim?.calls || []);
  if (!ids.size) return null;
  const calls = (await api.calls(bot)).filter((call) => ids.has(call.id));
  return calls.length > 0 &&
    section(
      "history",
      t("message_calls"),
      calls.map((call) => h("div", { class: "history" }, callRow(call), sources(key, message, call))),
    );
}

function sources(key, message, call) {
  const updates = call.updates || [];
  if (!updates.length) return h("span", { class: "tag" }, t("by_worker"));
  return updates.map((id) =>
    h("button", {
      class: "link-button",
      test: "history-update",
      title: `update ${id}`,
      onclick: () => setInspector({ subject: { key, message, update: id } }),
    }, `#${String(id).slice(-4)}`)
  );
}

/**
 * @param {HTMLElement} box
 * @param {import("./store.js").Trace} trace
 * @param {any} past
 */
function draw(box, trace, past) {
  const details = () => /** @type {HTMLDetailsElement[]} */ ([...box.querySelectorAll("details[data-section]")]);
  const was = new Map(details().map((item) => [item.dataset.section, item.open]));
  const calls = trace.calls || [];
  replace(
    box,
    past,
    section("delivery", t("delivery"), [
      trace.state && trace.state !== "delivered" && h("p", { class: "hint" }, t(`st_${trace.state}`)),
      attempts(trace.attempts || []),
    ]),
    section("trips", t("round_trips"), trips(trace.log)),
    section(
      "calls",
      `${t("calls")} · ${calls.length}`,
      calls.length ? waterfall(calls) : h("p", { class: "hint" }, t("no_calls")),
    ),
    section(
      "state",
      t("state_diff"),
      difference(trace.state_before, trace.state_after) || h("p", { class: "hint" }, t("no_state")),
    ),
    trace.jobs?.length > 0 && section("jobs", t("jobs"), trace.jobs.map(jobRow)),
    trace.ledger?.length > 0 && section("ledger", t("ledger"), trace.ledger.map(ledgerRow)),
    section("update", t("update"), tree(trace.update, 3)),
  );
  for (const item of details()) item.open = was.get(item.dataset.section) ?? item.open;
}

function section(name, title, content) {
  return h(
    "details",
    { class: "section", "data-section": name, test: `section-${name}`, open: name !== "update" },
    h("summary", {}, title),
    content,
  );
}

function attempts(list) {
  if (!list.length) return h("p", { class: "hint" }, t("no_attempts"));
  return list.map((attempt, index) =>
    h(
      "div",
      { class: "attempt", test: "attempt" },
      h(
        "span",
        { class: `status ${attempt.status >= 200 && attempt.status < 300 ? "good" : "bad"}` },
        attempt.status || "✕",
      ),
      h("span", {}, t("attempt", { n: index + 1 })),
      attempt.replay && h("span", { class: "tag" }, t("replay_tag")),
      h("b", {}, ms(attempt.ms)),
      h("time", {}, stamp(attempt.at)),
      attempt.body &&
        h(
          "code",
          { class: "attempt-body" },
          typeof attempt.body === "string" ? attempt.body : JSON.stringify(attempt.body),
        ),
    )
  );
}

const TRIPS = [
  ["redis", "Redis"],
  ["redis_commands", "команд|commands"],
  ["sql", "SQL"],
  ["telegram", "Bot API"],
];

/** The function's own count, from its log line: round trips are what costs time on a serverless platform. */
function trips(line) {
  if (!line) return h("p", { class: "hint" }, t("no_log"));
  const figures = TRIPS.filter(([name]) => line[name] !== undefined).map(([name, label]) =>
    figure(line[name], label.split("|")[document.documentElement.lang === "en" ? 1 : 0] || label)
  );
  return [
    h("div", { class: "figures" }, line.ms !== undefined && figure(ms(line.ms), "webhook"), figures),
    h("details", { class: "job" }, h("summary", {}, h("span", { class: "gist" }, t("log_line"))), tree(line, 1)),
  ];
}

const figure = (value, label) => h("div", { class: "figure" }, h("b", {}, String(value)), h("span", {}, label));

/** Calls one under another; bars start where the call started when the stand-in says so. */
function waterfall(calls) {
  const starts = calls.map((call) => new Date(call.at ?? 0).getTime() || 0);
  const base = Math.min(...starts);
  let sum = 0;
  const spans = calls.map((call, index) => {
    const from = starts[index] ? starts[index] - base : sum;
    sum += call.ms || 0;
    return [from, from + (call.ms || 0)];
  });
  const total = Math.max(1, ...spans.map(([, end]) => end));
  return calls.map((call, index) => callRow(call, { from: spans[index][0] / total, to: spans[index][1] / total }));
}

/** A message nobody asked for: a worker sent it, so there is no update, only calls. */
function drawAlone(box, { message }, calls) {
  const wanted = new Set(message.sim?.calls || []);
  const list = (Array.isArray(calls) ? calls : calls.calls || []).filter((call) =>
    wanted.has(call.id) || call.result?.message_id === message.message_id
  );
  const { sim: _, ...plain } = message;
  replace(
    box,
    h("p", { class: "hint" }, t("no_update")),
    section(
      "calls",
      `${t("calls")} · ${list.length}`,
      list.length ? waterfall(list) : h("p", { class: "hint" }, t("no_calls")),
    ),
    section("message", t("message"), tree(plain, 2)),
  );
}
