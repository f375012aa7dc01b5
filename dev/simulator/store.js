// What the page knows, and who wants to hear when it changes. Nothing here touches the DOM.

/**
 * What the simulator adds to a message of the Bot API.
 * @typedef {object} Sim
 * @property {boolean} outgoing the user wrote it
 * @property {number | null} update_id the update that carried it, or during which the bot sent it
 * @property {boolean} deleted
 * @property {number[]} calls ids of the calls that made or changed it
 * @property {Record<string, string>} files file id -> address
 * @property {string} html its text, safe to show
 * @property {string} [reaction]
 */

/**
 * A message as the Bot API has it. The kinds of content (photo, document, invoice ...) are the Bot API's own.
 * @typedef {{message_id: number, date: number, from?: any, text?: string, caption?: string, sim?: Sim,
 *   [content: string]: any}} Message
 */

/**
 * One person's chat with one bot, as the page knows it.
 * @typedef {object} Chat
 * @property {string} key "bot:user"
 * @property {string} bot
 * @property {number} user
 * @property {Message[]} messages oldest first
 * @property {Message | null} last
 * @property {boolean} loaded the messages have been read from the server
 * @property {number} unread
 * @property {boolean} blocked the person has blocked the bot
 * @property {string | null} action "typing" and the like
 * @property {number} [actionTimer]
 * @property {any} replyKeyboard
 * @property {boolean} keyboardShown
 * @property {Map<string, string>} pending "message_id|data" -> callback_query_id: buttons that still spin
 * @property {any} failing the last refused delivery
 * @property {{html: string, canStop: boolean} | null} draft words that the bot is still writing
 * @property {{command: string, description: string}[] | null} commands
 * @property {any} menuButton
 * @property {{text: string, [fact: string]: any}[]} presses what was pressed here, for "copy as test"
 */

/**
 * One try to bring an update to the webhook; `status` 0 means that there was no answer.
 * @typedef {{at: number, ms: number, status: number, body: string, next_in?: number | null, replay: boolean}} Attempt
 */

/**
 * All that is known of one update: `GET /sim/updates/{bot}/{update_id}`.
 * @typedef {object} Trace
 * @property {{update_id: number, [kind: string]: any}} update
 * @property {"pending" | "delivered" | "expired" | "dropped" | "filtered"} state
 * @property {Attempt[]} attempts
 * @property {any[]} calls the calls that were made for this chat meanwhile
 * @property {any} state_before
 * @property {any} state_after
 * @property {Record<string, any> | null} log the line that the function logged
 * @property {any[]} jobs
 * @property {any[]} ledger
 */

const KEEP = 300; // messages a chat holds in the page; older ones stay on the server

export const state = {
  environment: "local",
  bots: [],
  users: [],
  parts: [],
  faults: [],
  faultKinds: {}, // of the stand-ins: {part: {group: [kind]}}
  /** @type {Map<string, Chat>} */
  chats: new Map(),
  columns: [],
  active: "",
  me: null,
  connection: "connecting",
  ready: false,
  problem: "",
  calls: [],
  callsFilled: false, // those from before this page was opened are there, too
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
  return {
    on: (topic, listener) => stops.push(on(topic, listener)),
    end: () => stops.splice(0).forEach((stop) => stop()),
  };
}

export const keyOf = (bot, user) => `${bot}:${user}`;
export const botOf = (key) => state.bots.find((bot) => bot.name === key.split(":")[0]);
export const userOf = (key) => state.users.find((user) => String(user.id) === key.split(":")[1]);

/** @returns {Chat} the chat of that key; an empty one is made on the way */
export function chatOf(key) {
  if (!state.chats.has(key)) state.chats.set(key, emptyChat(key));
  return state.chats.get(key);
}

/** @returns {Chat} */
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
    pending: new Map(),
    failing: null,
    draft: null,
    commands: null,
    menuButton: null,
    presses: [],
  };
}

export const isOpen = (key) => state.columns.includes(key);

/** Is the chat on the screen, so that a new message in it counts as read? */
export const isRead = (key) => isOpen(key) && !document.hidden;

/**
 * Put a message in its place, new or changed; returns whether it is new.
 * @param {Chat} chat
 * @param {Message} message
 */
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

/**
 * @param {Chat} chat
 * @param {number} messageId
 */
export function drop(chat, messageId) {
  chat.messages = chat.messages.filter((message) => message.message_id !== messageId);
  chat.last = chat.messages[chat.messages.length - 1] || null;
}

/**
 * Take what the server has of a chat.
 * @param {Chat} chat
 * @param {any} history
 */
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
