// What one can do with a chat besides talking: block, send raw updates, take it away as a test.

import { api } from "./api.js";
import { t } from "./i18n.js";
import { confirmBox, copy, failed, menu } from "./overlay.js";
import { rawUpdate } from "./raw.js";
import { chatOf, emit, setColumns, state } from "./store.js";

export function chatMenu(key, anchor) {
  const chat = chatOf(key);
  menu(anchor, [
    { label: t("add_chat"), icon: "plus", test: "menu-add-chat", run: () => emit("add-chat") },
    { label: t("copy_test"), icon: "copy", test: "menu-copy-test", run: () => copy(asTest(chat)) },
    { label: t("raw_update"), icon: "code", test: "menu-raw-update", run: () => rawUpdate(key) },
    null,
    { label: chat.blocked ? t("unblock") : t("block"), icon: "block", danger: !chat.blocked, test: "menu-block", run: () => toggleBlock(key, chat) },
    { label: t("close_column"), icon: "close", test: "menu-close", run: () => setColumns(state.columns.filter((item) => item !== key)) },
  ]);
}

export async function toggleBlock(key, chat) {
  const blocked = !chat.blocked;
  if (blocked && !(await confirmBox(t("block_q"), t("block"), { danger: true }))) return;
  try {
    await (blocked ? api.block(key) : api.unblock(key));
    chat.blocked = blocked;
    emit(`chat:${key}`, { type: "blocked" });
    emit("chats");
  } catch (error) {
    failed(error);
  }
}

const quote = (text) => JSON.stringify(text ?? "");

/** The chat in the words of the flow tests. Presses are known only since the page was opened. */
function asTest(chat) {
  const lines = [`async def test_${chat.bot}_conversation(chat):`];
  const presses = [...chat.presses];
  for (const message of chat.messages) {
    lines.push(...line(message));
    while (presses.length && presses[0].after === message.message_id) lines.push(`    await chat.presses(${quote(presses.shift().text)})`);
  }
  lines.push(...presses.map((press) => `    await chat.presses(${quote(press.text)})`));
  return `${lines.join("\n")}\n`;
}

function line(message) {
  const text = message.text ?? message.caption ?? "";
  if (!message.sim?.outgoing) return text ? [`    chat.sees(${quote(text.split("\n")[0])})`] : [];
  if (message.photo) return [`    await chat.sends_photo(caption=${quote(text)})`];
  if (message.document) return [`    await chat.sends_file(${quote(message.document.file_name)})`];
  return text ? [`    await chat.says(${quote(text)})`] : [];
}
