// What one can do with a chat besides talking: block, send raw updates, take it away as a test.

import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { confirmBox, copy, failed, menu, sheet } from "./overlay.js";
import { rawUpdate } from "./raw.js";
import { chatOf, emit, setColumns, state } from "./store.js";

export function chatMenu(key, anchor) {
  const chat = chatOf(key);
  menu(anchor, [
    { label: t("add_chat"), icon: "plus", test: "menu-add-chat", run: () => emit("add-chat") },
    { label: t("copy_test"), icon: "copy", test: "menu-copy-test", run: () => copy(asTest(chat)) },
    { label: t("raw_update"), icon: "code", test: "menu-raw-update", run: () => rawUpdate(key) },
    null,
    {
      label: chat.blocked ? t("unblock") : t("block"),
      icon: "block",
      danger: !chat.blocked,
      test: "menu-block",
      run: () => toggleBlock(key, chat),
    },
    {
      label: t("close_column"),
      icon: "close",
      test: "menu-close",
      run: () => setColumns(state.columns.filter((item) => item !== key)),
    },
  ]);
}

/** The right-click menu of a message; `inspect` opens its story. */
export function messageMenu(key, message, point, inspect) {
  const text = message.text ?? message.caption;
  const at = { getBoundingClientRect: () => new DOMRect(point.x, point.y, 0, 0) };
  menu(
    at,
    [
      { label: t("inspect_message"), icon: "inspect", test: "message-menu-inspect", run: inspect },
      text && { label: t("copy_text"), icon: "copy", test: "message-menu-copy", run: () => copy(text) },
      message.sim?.outgoing && (message.text || message.photo || message.document) &&
      { label: t("edit_text"), icon: "edit", test: "message-menu-edit", run: () => editText(key, message) },
    ].filter(Boolean),
  );
}

function editText(key, message) {
  const field = h("textarea", {
    class: "json-field plain",
    rows: 4,
    test: "edit-text",
    "aria-label": t("edit_text"),
    value: message.text ?? message.caption ?? "",
  });
  const save = (close) => async () => {
    try {
      await api.edit(key, message.message_id, field.value);
      close();
    } catch (error) {
      failed(error);
    }
  };
  sheet(
    (
      close,
    ) => [
      h("h2", {}, t("edit_text")),
      field,
      h(
        "div",
        { class: "sheet-actions" },
        h("button", { class: "text-button", onclick: close }, t("cancel")),
        h("button", { class: "text-button", test: "edit-save", onclick: save(close) }, t("save")),
      ),
    ],
    { label: t("edit_text"), test: "edit-sheet" },
  );
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
    while (presses.length && presses[0].after === message.message_id) {
      lines.push(`    await chat.presses(${quote(presses.shift().text)})`);
    }
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
