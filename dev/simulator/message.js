// One bubble. Built from a Bot API message and never changed afterwards: a changed message is a new bubble.

import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { inlineKeyboard, openUrl } from "./keyboard.js";
import { album, media, meta, serviceText } from "./media.js";
import { messageMenu } from "./chatmenu.js";
import { fullName, preview } from "./format.js";
import { emit, setInspector } from "./store.js";
import { sanitize } from "./sanitize.js";

const FULL_BLEED = ["photo", "video", "animation"];
const ONLY_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

/** Build the element of a block: one message, or the messages of one album. */
export function bubble(key, messages) {
  const [message] = messages;
  const service = serviceText(message);
  if (service) return row(key, message, "service", h("span", { class: "pill" }, service));
  const outgoing = Boolean(message.sim?.outgoing);
  const words = messages.find((item) => item.text || item.caption);
  const bare = message.sticker || (message.text && ONLY_EMOJI.test(message.text) && !message.entities);
  const body = h(
    "div",
    { class: `bubble ${bare ? "bare" : ""} ${kind(message)} ${words ? "worded" : ""}` },
    message.reply_to_message && quote(message.reply_to_message),
    messages.length > 1 ? album(messages) : media(message),
    words && text(key, words, meta(messages[messages.length - 1], outgoing)),
    !words && meta(messages[messages.length - 1], outgoing),
    reactions(message),
    !words && !known(message) && h("div", { class: "text" }, t("unsupported", { kind: unknownKind(message) })),
  );
  const stop = message.sim?.canStop &&
    h("button", { class: "stop", test: "stop", onclick: () => api.stop(key).catch(() => {}) }, t("stop_writing"));
  const column = h("div", { class: "stacked" }, body, stop, messages.length === 1 && inlineKeyboard(key, message));
  return row(key, message, outgoing ? "out" : "in", column);
}

function quote(message) {
  const author = message.from?.is_bot ? message.from.first_name : fullName(message.from);
  const show = (event) => {
    const target = event.target.closest(".thread")?.querySelector(`[data-message-id="${message.message_id}"]`);
    target?.scrollIntoView({ block: "center", behavior: "smooth" });
    target?.animate([{ filter: "brightness(.85)" }, { filter: "none" }], { duration: 900 });
  };
  return h(
    "button",
    { class: "quote", test: "quote", onclick: show },
    h("b", { class: "cut" }, author),
    h("span", { class: "cut" }, preview(message)),
  );
}

function reactions(message) {
  const list = message.sim?.reaction || [];
  return list.length > 0 && h("div", { class: "reactions" }, list.map((item) => h("span", {}, item.emoji || "⭐")));
}

const known = (message) => media(message) !== null;
const kind = (message) => (FULL_BLEED.some((name) => message[name]) ? "visual" : "");

const BASE = new Set(["message_id", "date", "from", "chat", "sim", "reply_markup", "edit_date", "media_group_id"]);
const unknownKind = (message) => Object.keys(message).filter((name) => !BASE.has(name)).join(", ") || "?";

function row(key, message, side, content) {
  const open = () => setInspector({ open: true, tab: "message", subject: { key, message } });
  const context = (event) => {
    event.preventDefault();
    messageMenu(key, message, { x: event.clientX, y: event.clientY }, open);
  };
  return h(
    "div",
    {
      class: `message ${side}`,
      test: "message",
      "data-message-id": message.message_id,
      "data-side": side,
      oncontextmenu: context,
    },
    content,
    h("button", {
      class: "inspect",
      test: "message-inspect",
      "aria-label": t("inspect_message"),
      title: t("inspect_message"),
      onclick: open,
    }, icon("inspect", 18)),
  );
}

function text(key, message, info) {
  const html = message.sim?.html;
  const content = html ? sanitize(html) : document.createTextNode(message.text || message.caption || "");
  const box = h("div", { class: "text", test: "message-text", dir: "auto" }, content, info);
  if (!message.sim?.outgoing) linkCommands(box);
  box.addEventListener("click", (event) => follow(key, event));
  box.addEventListener(
    "keydown",
    (event) => event.key === "Enter" && event.target.matches(".tg-spoiler, .command") && event.target.click(),
  );
  return box;
}

function follow(key, event) {
  const hidden = event.target.closest(".tg-spoiler");
  if (hidden && !hidden.classList.contains("shown")) return hidden.classList.add("shown");
  const command = event.target.closest(".command");
  if (command) return emit("say", { key, text: command.textContent });
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  openUrl(key, link.getAttribute("href"));
}

/** Telegram makes every /command in a bot's text a link that sends it. */
function linkCommands(box) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT, {
    acceptNode: (
      node,
    ) => (node.parentElement.closest("a, code, pre, .meta") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
  });
  const nodes = [];
  while (walker.nextNode()) nodes.push(/** @type {Text} */ (walker.currentNode));
  for (const node of nodes) {
    const parts = node.data.split(/(?<=^|[\s(«])(\/[a-z][a-z0-9_]{0,31})(?=$|[\s.,;:!?)»])/);
    if (parts.length < 3) continue;
    node.replaceWith(
      ...parts.map((
        part,
        index,
      ) => (index % 2 ? h("span", { class: "command", role: "link", tabindex: 0 }, part) : part)),
    );
  }
}
