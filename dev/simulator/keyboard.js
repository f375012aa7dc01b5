// Buttons of the bot: those under a message and those in place of the keyboard.

import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon, star } from "./icons.js";
import { spin, stopSpin } from "./live.js";
import { confirmBox, copy, failed, sheet, toast } from "./overlay.js";
import { paySheet } from "./pay.js";
import { chatOf, emit } from "./store.js";

const SPINNER_LIMIT = 15000; // Telegram's clients give up waiting for an answer about then

export const buttonKey = (messageId, button, row, column) =>
  `${messageId}|${row}.${column}|${button.callback_data ?? button.text}`;

export function inlineKeyboard(key, message) {
  const rows = message.reply_markup?.inline_keyboard;
  const implied = message.invoice && !rows?.length ? [[{ text: t("pay"), pay: true }]] : null;
  if (!rows?.length && !implied) return null;
  return h(
    "div",
    { class: "inline-keyboard", test: "inline-keyboard" },
    (implied || rows).map((row, y) =>
      h("div", { class: "inline-row" }, row.map((button, x) => inlineButton(key, message, button, y, x)))
    ),
  );
}

function inlineButton(key, message, button, y, x) {
  const id = buttonKey(message.message_id, button, y, x);
  const corner = button.url || button.web_app ? "link" : button.copy_text ? "copy" : null;
  return h(
    "button",
    {
      class: `inline-button ${button.style || ""}`,
      test: "inline-button",
      "data-key": id,
      "data-callback": button.callback_data,
      onclick: (event) => pressInline(key, message, button, id, event),
    },
    h("span", { class: "label" }, button.pay ? starred(button.text) : button.text),
    corner && h("span", { class: "corner" }, icon(corner, 12)),
    h("span", { class: "spinner" }),
  );
}

/** Telegram shows the Star icon where the text of a pay button says XTR or ⭐. */
const starred = (text) => text.split(/(XTR|⭐️?)/).map((part) => (/XTR|⭐/.test(part) ? star(16) : part));

function pressInline(key, message, button, id, event) {
  if (button.pay) return paySheet(key, message);
  if (button.url) return openUrl(key, button.url);
  if (button.web_app) return openApp(button.web_app.url, button.text);
  if (button.copy_text) return copy(button.copy_text.text);
  if (button.callback_data !== undefined) {
    return press(key, message, button, id, { old: event.altKey, twice: event.shiftKey });
  }
  toast(t("unsupported", { kind: Object.keys(button).join(", ") }));
}

/** `old` presses as on a message the bot can no longer reach; `twice` is a double press that really leaves twice. */
async function press(key, message, button, id, { old = false, twice = false } = {}) {
  const chat = chatOf(key);
  if (chat.pending.has(id)) return;
  spin(chat, id, null);
  chat.presses.push({ after: message.message_id, text: button.text, at: Date.now() });
  try {
    const second = twice ? api.press(key, message.message_id, button.callback_data, old) : null;
    const sent = await api.press(key, message.message_id, button.callback_data, old);
    await second;
    spin(chat, id, sent.callback_query_id);
    setTimeout(() => expire(chat, id, sent.callback_query_id), SPINNER_LIMIT);
  } catch (error) {
    stopSpin(chat, id);
    failed(error);
  }
}

function expire(chat, id, callbackId) {
  if (chat.pending.get(id) !== callbackId) return;
  stopSpin(chat, id);
  emit(`chat:${chat.key}`, { type: "answer", answer: { text: t("answer_late") } });
}

/** A deep link to one of our bots opens that chat; the rest asks first, as Telegram does. */
export async function openUrl(key, url) {
  const deep = /^(?:https?:\/\/t\.me\/|tg:\/\/resolve\?domain=)(\w+)[?&]start=([\w-]*)/.exec(url);
  if (deep) return emit("deep-link", { key, username: deep[1], payload: deep[2] });
  if (await confirmBox(`${t("open_link")}\n${url}`, t("open"))) window.open(url, "_blank", "noopener");
}

function openApp(url, title) {
  sheet(
    (close) => [
      h(
        "div",
        { class: "app-bar" },
        h("button", { class: "icon-button", "aria-label": t("web_app_close"), onclick: close }, icon("close")),
        h("b", {}, title),
      ),
      h("iframe", { src: url, title, class: "app-frame", test: "web-app" }),
    ],
    { label: title, className: "app", test: "web-app-sheet" },
  );
}

/** The keyboard in place of the phone's own one. */
export function replyKeyboard(key, markup, onsend) {
  const rows = markup.keyboard || [];
  return h(
    "div",
    { class: `reply-keyboard ${markup.resize_keyboard ? "resized" : ""}`, test: "reply-keyboard" },
    rows.map((row) =>
      h(
        "div",
        { class: "reply-row" },
        row.map((item) => {
          const button = typeof item === "string" ? { text: item } : item;
          return h("button", {
            class: `reply-button ${button.style || ""}`,
            test: "reply-button",
            onclick: () => pressReply(key, button, onsend),
          }, button.text);
        }),
      )
    ),
  );
}

async function pressReply(key, button, onsend) {
  if (button.request_contact) return shareContact(key, onsend);
  if (button.web_app) return openApp(button.web_app.url, button.text);
  await onsend(button.text);
}

export async function shareContact(key, onsent) {
  if (!(await confirmBox(t("share_contact_q"), t("share")))) return;
  try {
    await api.contact(key);
    onsent?.(null);
  } catch (error) {
    failed(error);
  }
}
