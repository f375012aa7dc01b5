// What the page knows, and who wants to hear when it changes. Nothing here touches the DOM.

const KEEP = 300; // messages a chat holds in the page; older ones stay on the server

export const state = {
  environment: "local",
  bots: [],
  users: [],
  parts: [],
  faults: [],
  faultKinds: {}, // of the stand-ins: {part: {group: [kind]}}
  chats: new Map(),
  columns: [],
  active: "",
  me: null,
  connection: "connecting",
  ready: false,
  problem: "",
  calls: [],
  log: [],
  delivered: new Map(), // "bot:update_id" -> {status, ms, attempts}
  samples: null,
  inspector: { open: false, tab: "message", subject: null },
};

const listeners = new Map();

/** Call `listener` whenever `topic` changes; returns the way to stop it. */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}

export function emit(topic, detail) {
  for (const listener of [...(listeners.get(topic) || [])]) listener(detail);
}

/** Several subscriptions that end together, as a column or a panel does. */
export function subscriptions() {
  const stops = [];
  return { on: (topic, listener) => stops.push(on(topic, listener)), end: () => stops.splice(0).forEach((stop) => stop()) };
}

export const keyOf = (bot, user) => `${bot}:${user}`;
export const botOf = (key) => state.bots.find((bot) => bot.name === key.split(":")[0]);
export const userOf = (key) => state.users.find((user) => String(user.id) === key.split(":")[1]);

export function chatOf(key) {
  if (!state.chats.has(key)) state.chats.set(key, emptyChat(key));
  return state.chats.get(key);
}

function emptyChat(key) {
  const [bot, user] = key.split(":");
  return {
    key,
    bot,
    user: Number(user),
    messages: [],
    last: null,
    loaded: false,
    unread: 0,
    blocked: false,
    action: null,
    replyKeyboard: null,
    keyboardShown: true,
    pending: new Map(), // "message_id|data" -> callback_query_id: buttons that still spin
    failing: null, // the last refused delivery: {status, attempt, retryAt}
    draft: null, // words the bot is still writing: {html}
    commands: null,
    menuButton: null,
    presses: [], // what was pressed here, for "copy as test"
  };
}

export const isOpen = (key) => state.columns.includes(key);

/** Is the chat on the screen, so that a new message in it counts as read? */
export const isRead = (key) => isOpen(key) && !document.hidden;

export function upsert(chat, message) {
  const index = chat.messages.findIndex((item) => item.message_id === message.message_id);
  if (index >= 0) chat.messages[index] = message;
  else {
    chat.messages.push(message);
    chat.messages.sort((a, b) => a.message_id - b.message_id);
    if (chat.messages.length > KEEP) chat.messages.splice(0, chat.messages.length - KEEP);
  }
  chat.last = chat.messages[chat.messages.length - 1];
  return index < 0;
}

export function drop(chat, messageId) {
  chat.messages = chat.messages.filter((message) => message.message_id !== messageId);
  chat.last = chat.messages[chat.messages.length - 1] || null;
}

export function setHistory(chat, history) {
  chat.messages = (history.messages || []).filter((message) => !message.sim?.deleted).slice(-KEEP);
  chat.replyKeyboard = history.reply_keyboard || null;
  chat.action = history.action || null;
  chat.blocked = Boolean(history.blocked);
  chat.last = chat.messages[chat.messages.length - 1] || chat.last;
  chat.commands = history.commands || null;
  chat.menuButton = history.menu_button || null;
  chat.loaded = true;
}

/** Commands can differ by person and language; the bot's own list stands in until the chat is loaded. */
export const commandsOf = (key) => chatOf(key).commands || botOf(key)?.commands || [];

/** The server marks a chat read only when it is loaded, so the page remembers what it has shown since. */
export function markRead(chat) {
  chat.unread = 0;
  if (chat.last) saved(`read.${chat.key}`, chat.last.message_id);
}

export const lastRead = (key) => restore(`read.${key}`, 0);

const saved = (name, value) => localStorage.setItem(`lotok.${name}`, JSON.stringify(value));

export function restore(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`lotok.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function setColumns(columns, active = state.active) {
  state.columns = [...new Set(columns)];
  state.active = state.columns.includes(active) ? active : state.columns[state.columns.length - 1] || "";
  if (state.active) state.me = Number(state.active.split(":")[1]);
  for (const key of state.columns) markRead(chatOf(key));
  saved("columns", state.columns);
  saved("active", state.active);
  emit("columns");
  emit("chats");
}

export function setInspector(change) {
  Object.assign(state.inspector, change);
  saved("inspector", { open: state.inspector.open, tab: state.inspector.tab });
  emit("inspector");
}

export { saved as save };
