// Queue and credits: what waits, what ran, whose money moved. Read from Postgres through the stand-in.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { ms, stamp } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { tree } from "./json.js";
import { failed, toast } from "./overlay.js";

const STATES = ["queued", "running", "waiting", "done", "failed", "cancelled"];
const EVERY = 4000; // a slow look for changes that no event tells of

export function queuePanel(body, hub) {
  const content = h("div", { test: "queue" });
  const tick = h(
    "button",
    { class: "chip strong", test: "tick", onclick: () => runTick(tick, load) },
    icon("tick", 16),
    t("tick_now"),
  );
  replace(body, h("div", { class: "chips" }, tick), content);
  let timer = null;
  let due = null;
  let shown = "";

  async function load() {
    clearTimeout(timer);
    try {
      const queue = await api.queue();
      if (queue.error) throw new Error(queue.error);
      const now = JSON.stringify(queue);
      if (now !== shown) draw(content, queue);
      shown = now;
    } catch (error) {
      shown = "";
      replace(content, h("p", { class: "problem", test: "queue-broken" }, t("queue_broken", { why: error.message })));
    }
    if (body.isConnected && content.isConnected) timer = setTimeout(load, document.hidden ? EVERY * 4 : EVERY);
  }

  const soon = () => {
    clearTimeout(due);
    due = setTimeout(load, 200);
  };
  for (const topic of ["queue", "tick", "deliveries"]) hub.on(topic, soon);
  load();
}

async function runTick(button, load) {
  button.disabled = true;
  try {
    const result = await api.tick();
    toast(t("tick_done", { status: result.status, ms: ms(result.ms) }), { kind: result.status < 300 ? "" : "bad" });
    load();
  } catch (error) {
    failed(error);
  }
  button.disabled = false;
}

function draw(box, queue) {
  const open = new Set([...box.querySelectorAll("details[open]")].map((item) => item.dataset.id));
  const counts = queue.counts || {};
  const names = [...STATES, ...Object.keys(counts).filter((name) => !STATES.includes(name))];
  const jobs = queue.jobs || [];
  const ledger = queue.ledger || [];
  const sum = ledger.reduce((total, row) => total + (amountOf(row) || 0), 0);
  replace(
    box,
    names.length > 0 &&
      h(
        "div",
        { class: "figures" },
        names.map((name) =>
          h(
            "div",
            { class: "figure", test: `count-${name}` },
            h("b", {}, counts[name] || 0),
            h("span", {}, h("i", { class: `state-dot ${name}` }), name),
          )
        ),
      ),
    queue.users?.length > 0 &&
      h(
        "section",
        { class: "section" },
        h("h3", {}, t("balances")),
        h("div", { class: "balances" }, queue.users.map(balance)),
      ),
    h(
      "section",
      { class: "section" },
      h("h3", {}, t("newest_jobs")),
      jobs.length ? jobs.map(jobRow) : h("p", { class: "hint", test: "queue-empty" }, t("queue_empty")),
    ),
    h(
      "section",
      { class: "section" },
      h("h3", {}, t("ledger"), ledger.length > 0 && h("small", {}, t("sum", { n: signed(sum) }))),
      ledger.length ? ledger.map(ledgerRow) : h("p", { class: "hint" }, t("ledger_empty")),
    ),
  );
  for (const item of box.querySelectorAll("details")) if (open.has(item.dataset.id)) item.open = true;
}

const balance = (user) =>
  h(
    "div",
    { class: "balance", test: "balance", "data-user": user.tg_id },
    h("span", { class: "cut" }, user.first_name || user.tg_id),
    h("b", {}, user.balance),
  );

export function jobRow(job) {
  const when = job.finished_at || job.updated_at || job.run_at || job.created_at;
  const code = job.error_code || job.error;
  return h(
    "details",
    { class: "job", test: "job", "data-id": `job ${job.id}`, "data-state": job.state },
    h(
      "summary",
      {},
      h("span", { class: `state ${job.state}` }, job.state),
      h("b", {}, `${job.task} #${String(job.id).slice(0, 8)}`),
      h("span", { class: "gist cut" }, code || ""),
      job.attempts > 1 && h("span", { class: "j-hint" }, t("attempts_n", { n: job.attempts })),
      h("time", {}, stamp(when)),
    ),
    tree(job, 2),
  );
}

const amountOf = (row) => Number(row.amount ?? row.delta ?? row.credits ?? 0);
const signed = (value) => (value > 0 ? `+${value}` : String(value).replace("-", "−"));

export function ledgerRow(row) {
  const amount = amountOf(row);
  return h(
    "details",
    { class: "job", test: "ledger-row", "data-id": `ledger ${row.id}` },
    h(
      "summary",
      {},
      h("span", { class: `amount ${amount < 0 ? "minus" : "plus"}` }, signed(amount)),
      h("b", { class: "cut" }, row.reason || row.kind || row.type || row.operation || ""),
      h("span", { class: "gist cut" }, row.first_name || row.key || ""),
      row.balance_after !== undefined && h("span", { class: "j-hint" }, `= ${row.balance_after}`),
      h("time", {}, stamp(row.created_at)),
    ),
    tree(row, 2),
  );
}
