// The live connection: Server-Sent Events into the store, and what happens when the stack goes away.

import { api } from "./api.js";
import { chatOf, drop, emit, isRead, keyOf, lastRead, markRead, setHistory, state, upsert } from "./store.js";

const RETRY = [500, 1000, 2000, 3000, 5000];
const KEEP_LINES = 500;

let seq = 0;
let source = null;
let failures = 0;
let timer = null;
let held = null; // events that arrive while the world is being read; they are newer than what is read

/** Load the world, then follow it; comes back by itself when the stack does. */
export async function connect() {
  clearTimeout(timer);
  source?.close();
  try {
    await refresh();
  } catch (error) {
    return lost(error);
  }
  source = new EventSource(`/sim/events?after=${seq}`);
  source.onopen = () => {
    failures = 0;
    setConnection("live");
  };
  source.onmessage = (event) => receive(event.data);
  // The browser would try again by itself, but it would neither read the world again nor tell the person.
  source.onerror = () => lost();
}

function lost(error) {
  source?.close();
  setConnection("lost", error?.message);
  timer = setTimeout(connect, RETRY[Math.min(failures++, RETRY.length - 1)]);
}

function setConnection(value, problem = "") {
  state.connection = value;
  state.problem = problem;
  emit("connection");
}

/** Read everything again; events that come meanwhile are applied on top. */
export async function refresh() {
  held ??= [];
  try {
    await read();
  } finally {
    const waiting = held || [];
    held = null;
    waiting.forEach(receive);
  }
}

async function read() {
  const world = await api.state();
  const chats = await api.chats();
  Object.assign(state, {
    bots: world.bots,
    users: world.users,
    parts: world.parts || [],
    environment: world.environment,
  });
  state.faults = world.faults || [];
  state.faultKinds = world.fault_kinds || {};
  if (!source || source.readyState === EventSource.CLOSED) seq = world.seq ?? 0;
  for (const item of chats) Object.assign(chatOf(keyOf(item.bot, item.user_id)), fromList(item));
  state.ready = true;
  emit("state");
  emit("chats");
  await Promise.all(state.columns.map((key) => loadChat(key)));
}

function fromList(item) {
  const key = keyOf(item.bot, item.user_id);
  const seen = isRead(key) || (item.last && item.last.message_id <= lastRead(key));
  const unread = seen ? 0 : item.unread || 0;
  return { last: item.last, unread, blocked: Boolean(item.blocked) };
}

export async function loadChat(key) {
  const chat = chatOf(key);
  setHistory(chat, await api.history(key));
  emit(`chat:${key}`, { type: "reset" });
  emit("chats");
}

function receive(data) {
  if (held) return held.push(data);
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    return; // a keep-alive comment or a half line is not worth a broken page
  }
  if (event.seq <= seq) return;
  seq = event.seq ?? seq;
  HANDLERS[event.type]?.(event);
}

const chatFor = (event) => chatOf(keyOf(event.bot, event.user_id));
const tell = (chat, detail) => {
  emit(`chat:${chat.key}`, detail);
  emit("chats");
};

const HANDLERS = {
  message(event) {
    const chat = chatFor(event);
    const fresh = upsert(chat, event.message);
    if (!event.message.sim?.outgoing) {
      chat.action = null;
      chat.draft = null;
      if (fresh && !isRead(chat.key)) chat.unread += 1;
    }
    if (isRead(chat.key)) markRead(chat);
    tell(chat, { type: "message", message: event.message, fresh });
  },
  edit(event) {
    const chat = chatFor(event);
    upsert(chat, event.message);
    tell(chat, { type: "edit", message: event.message });
  },
  delete(event) {
    const chat = chatFor(event);
    drop(chat, event.message_id ?? event.message?.message_id);
    tell(chat, { type: "delete" });
  },
  action(event) {
    const chat = chatFor(event);
    chat.action = event.action;
    clearTimeout(chat.actionTimer);
    // Telegram shows a chat action for five seconds unless it is repeated.
    chat.actionTimer = setTimeout(() => {
      chat.action = null;
      tell(chat, { type: "action" });
    }, 5000);
    tell(chat, { type: "action" });
  },
  callback_answer(event) {
    const chat = chatFor(event);
    settle(chat, event.callback_query_id);
    emit(`chat:${chat.key}`, { type: "answer", answer: event });
  },
  reply_keyboard(event) {
    const chat = chatFor(event);
    chat.replyKeyboard = event.reply_keyboard ?? event.keyboard ?? null;
    chat.keyboardShown = true;
    tell(chat, { type: "keyboard" });
  },
  delivery(event) {
    const entry = { ...event, at: Date.now() };
    state.delivered.set(`${event.bot}:${event.update_id}`, entry);
    if (event.user_id) {
      const chat = chatFor(event);
      // "pending" with a next attempt is a refusal; all other states end the story of this update.
      if (event.state === "pending" && event.next_in !== null) chat.failing = entry;
      else if (chat.failing?.update_id === event.update_id) chat.failing = null;
      tell(chat, { type: "delivery" });
    }
    emit("deliveries", entry);
  },
  call(event) {
    keep(state.calls, event.call || event);
    emit("calls");
  },
  part(event) {
    const part = event.part?.name ? event.part : event;
    const index = state.parts.findIndex((item) => item.name === part.name);
    if (index >= 0) state.parts[index] = { ...state.parts[index], ...part };
    else state.parts.push(part);
    emit("parts");
  },
  fault(event) {
    state.faults = event.faults || [];
    emit("faults");
  },
  draft(event) {
    const chat = chatFor(event);
    const words = { html: event.text ? event.html : "…", canStop: event.can_stop };
    chat.draft = event.draft_id ? words : null;
    tell(chat, { type: "draft" });
  },
  reset: () => refresh().catch(() => {}),
  queue: () => emit("queue"),
  tick: (event) => emit("tick", event),
  log(event) {
    keep(state.log, event.log ?? event);
    emit("log");
  },
};

function keep(list, item) {
  list.push(item);
  if (list.length > KEEP_LINES) list.splice(0, list.length - KEEP_LINES);
}

// Answers can overtake the reply of /press, so both sides leave a note, and the second one clears the button.
const early = new Set();

export function spin(chat, button, callbackId) {
  if (callbackId && early.delete(callbackId)) return stopSpin(chat, button);
  chat.pending.set(button, callbackId);
  emit(`chat:${chat.key}`, { type: "pending" });
}

export function stopSpin(chat, button) {
  chat.pending.delete(button);
  emit(`chat:${chat.key}`, { type: "pending" });
}

function settle(chat, callbackId) {
  const found = [...chat.pending].find(([, id]) => id === callbackId);
  if (found) stopSpin(chat, found[0]);
  else if (callbackId) early.add(callbackId);
}
