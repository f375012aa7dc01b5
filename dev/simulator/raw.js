// Any update as JSON: from a template, or the one on the screen, changed by hand.

import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { failed, sheet } from "./overlay.js";
import { botOf, userOf } from "./store.js";

const TEMPLATES = {
  text: (user, now) => ({
    message: { message_id: 900001, date: now, chat: chatOf(user), from: fromOf(user), text: "Привет" },
  }),
  edited: (user, now) => ({
    edited_message: {
      message_id: 900001,
      date: now,
      edit_date: now,
      chat: chatOf(user),
      from: fromOf(user),
      text: "Привет!",
    },
  }),
  press: (user, now, bot) => ({
    callback_query: {
      id: String(now),
      from: fromOf(user),
      chat_instance: "1",
      data: "menu",
      message: { message_id: 1, date: 0, chat: chatOf(user), from: { id: 0, is_bot: true, first_name: bot?.title } },
    },
  }),
  location: (user, now) => ({
    message: {
      message_id: 900002,
      date: now,
      chat: chatOf(user),
      from: fromOf(user),
      location: { latitude: 55.75, longitude: 37.62 },
    },
  }),
  left: (user, now) => ({
    my_chat_member: {
      chat: chatOf(user),
      from: fromOf(user),
      date: now,
      old_chat_member: { status: "member" },
      new_chat_member: { status: "kicked", until_date: 0 },
    },
  }),
};

const chatOf = (user) => ({ id: user?.id, type: "private", first_name: user?.first_name });
const fromOf = (user) => ({
  id: user?.id,
  is_bot: false,
  first_name: user?.first_name,
  language_code: user?.language_code || "ru",
});

export function rawUpdate(key, update) {
  const field = h("textarea", {
    class: "json-field",
    rows: 16,
    spellcheck: "false",
    test: "raw-json",
    "aria-label": "JSON",
    value: JSON.stringify(update || template(key, "text"), null, 2),
  });
  const problem = h("p", { class: "field-problem", role: "alert", test: "raw-problem" });
  const choices = update ? null : h(
    "div",
    { class: "chips" },
    Object.keys(TEMPLATES).map((name) =>
      h("button", {
        class: "chip",
        test: `raw-${name}`,
        onclick: () => (field.value = JSON.stringify(template(key, name), null, 2)),
      }, name)
    ),
  );
  sheet(
    (close) => [
      h("h2", {}, t("raw_title")),
      choices,
      field,
      problem,
      h(
        "div",
        { class: "sheet-actions" },
        h("button", { class: "text-button", onclick: close }, t("cancel")),
        h(
          "button",
          { class: "text-button", test: "raw-send", onclick: () => submit(key, field.value, problem, close) },
          t("send"),
        ),
      ),
    ],
    { label: t("raw_title"), className: "wide", test: "raw-sheet" },
  );
}

const template = (key, name) => TEMPLATES[name](userOf(key), Math.floor(Date.now() / 1000), botOf(key));

async function submit(key, text, problem, close) {
  let update;
  try {
    update = JSON.parse(text);
  } catch (error) {
    problem.textContent = t("bad_json", { why: error.message });
    return;
  }
  try {
    await api.update(key, update);
    close();
  } catch (error) {
    failed(error);
  }
}
