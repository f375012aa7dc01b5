// The list of bubbles: turns messages into blocks, keeps the elements of those that did not change,
// moves in the new ones, and stays at the bottom when it was there.

import { animate, h } from "./dom.js";
import { day, dayKey } from "./format.js";
import { bubble } from "./message.js";
import { state } from "./store.js";

const GROUP_GAP = 300; // seconds after which two messages of one side no longer stick together

/** Cut the messages into blocks {id, messages, side}: an album is one block, a new day is one. */
function blocks(messages) {
  const out = [];
  let lastDay = "";
  for (const message of messages) {
    const today = dayKey(message.date);
    if (today !== lastDay) out.push({ id: `day ${today}`, day: day(message.date) });
    lastDay = today;
    const previous = out[out.length - 1];
    const group = message.media_group_id;
    if (group && previous.messages?.[0].media_group_id === group) previous.messages.push(message);
    else out.push({ id: `m${message.message_id}`, messages: [message], side: message.sim?.outgoing ? "out" : "in" });
  }
  return out;
}

const DRAFT = Number.MAX_SAFE_INTEGER;

/** What the bot is still writing looks like one more message, paler. */
const draftOf = (
  chat,
) => (chat.draft
  ? [{
    message_id: DRAFT,
    date: Math.floor(Date.now() / 1000),
    text: " ",
    sim: { html: chat.draft.html, canStop: chat.draft.canStop },
  }]
  : []);

const sticks = (a, b) =>
  Boolean(a?.messages && b?.messages) && a.side === b.side &&
  Math.abs(b.messages[0].date - a.messages[a.messages.length - 1].date) < GROUP_GAP && !isService(a) && !isService(b);
const isService = (block) =>
  ["successful_payment", "refunded_payment", "pinned_message"].some((name) => block.messages[0][name]);

export function thread(chat) {
  const nodes = new Map();
  const list = h("div", { class: "thread", role: "log", "aria-live": "polite", "aria-relevant": "additions" });

  function draw({ quiet = false } = {}) {
    const wanted = blocks([...chat.messages, ...draftOf(chat)]);
    const ids = new Set(wanted.map((block) => block.id));
    for (const [id, entry] of nodes) if (!ids.has(id)) remove(id, entry);
    let at = null;
    wanted.forEach((block, index) => {
      const element = ensure(block, quiet);
      element.classList.toggle("first", !sticks(wanted[index - 1], block));
      element.classList.toggle("draft", block.id === `m${DRAFT}`);
      element.classList.toggle("last", !sticks(block, wanted[index + 1]));
      if (at ? at.nextSibling !== element : list.firstChild !== element) {
        list.insertBefore(element, at ? at.nextSibling : list.firstChild);
      }
      at = element;
    });
    marks();
  }

  function ensure(block, quiet) {
    const shape = block.day || JSON.stringify(block.messages);
    const entry = nodes.get(block.id);
    if (entry?.shape === shape) return entry.element;
    const element = block.day
      ? h("div", { class: "day", test: "day" }, h("span", { class: "pill" }, block.day))
      : bubble(chat.key, block.messages);
    nodes.set(block.id, { shape, element });
    if (entry) swap(entry.element, element, quiet);
    else if (!quiet) enter(element, block.side);
    return element;
  }

  function remove(id, entry) {
    nodes.delete(id);
    entry.element.remove();
  }

  /** Ticks and button spinners change without a new message. */
  function marks() {
    for (const tick of list.querySelectorAll(".ticks")) {
      const delivery = state.delivered.get(`${chat.bot}:${tick.dataset.update}`);
      const good = !delivery || delivery.state !== "pending";
      tick.dataset.state = good ? "read" : "sent";
    }
    for (const button of list.querySelectorAll(".inline-button")) {
      const busy = chat.pending.has(button.dataset.key);
      button.classList.toggle("busy", busy);
      button.setAttribute("aria-busy", String(busy));
    }
  }

  return { list, draw, marks };
}

function enter(element, side) {
  const shift = side === "out" ? "12px" : "-8px";
  animate(element, [{ opacity: 0, transform: `translate(${shift}, 14px) scale(.97)` }, {
    opacity: 1,
    transform: "none",
  }], { duration: 220, easing: "cubic-bezier(.2,.8,.3,1)" });
}

/** An edit grows or shrinks into place instead of jumping. */
function swap(old, element, quiet) {
  const before = old.offsetHeight;
  old.replaceWith(element);
  if (quiet) return;
  const inner = element.querySelector(".bubble") || element;
  const after = element.offsetHeight;
  if (before && before !== after) {
    animate(element, [{ height: `${before}px`, overflow: "clip" }, { height: `${after}px`, overflow: "clip" }], {
      duration: 220,
      easing: "ease-out",
    });
  }
  animate(inner, [{ opacity: 0.35 }, { opacity: 1 }], { duration: 260 });
}
