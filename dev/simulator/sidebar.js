// Who I am, and my chats. The cast is a row of faces; below are the bots as that person sees them.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { fullName, gradient, initials, preview, shortDate } from "./format.js";
import { currentLanguage, has, t } from "./i18n.js";
import { icon } from "./icons.js";
import { failed, menu, sheet } from "./overlay.js";
import { chatOf, emit, keyOf, setColumns, setInspector, state, userOf } from "./store.js";

/** Open a chat in place of the active one, or beside it. */
export function openChat(key, beside = false) {
  if (state.columns.includes(key)) return setColumns(state.columns, key);
  const wide = innerWidth >= 760;
  if (!wide || !state.columns.length) return setColumns([key], key);
  const columns = beside ? [...state.columns, key] : state.columns.map((item) => (item === state.active ? key : item));
  setColumns(columns, key);
}

export function sidebar(hub, look) {
  const cast = h("div", { class: "cast", role: "listbox", "aria-label": t("iam"), test: "cast" });
  const list = h("nav", { class: "chat-list", "aria-label": t("chats"), test: "chat-list" });
  const foot = h("div", { class: "foot" });
  const draw = () => {
    drawCast(cast);
    drawList(list);
    drawFoot(foot, look);
  };
  for (const topic of ["chats", "state", "columns", "parts", "connection"]) hub.on(topic, draw);
  draw();
  return h("aside", { class: "sidebar" }, cast, list, foot);
}

const unreadOf = (user) =>
  state.bots.reduce((sum, bot) => sum + (state.chats.get(keyOf(bot.name, user.id))?.unread || 0), 0);

function drawCast(box) {
  const waiting = state.users.reduce((sum, user) => sum + unreadOf(user), 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${t("page_title")}`;
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  const focused = box.contains(active) ? active.dataset.user : null;
  replace(
    box,
    state.users.map((user) => person(user)),
    h(
      "button",
      { class: "person", test: "add-user", title: t("add_user"), onclick: addUser },
      h("span", { class: "avatar ghost", style: { "--size": "44px" } }, icon("userplus", 24)),
      h("span", { class: "person-name" }, t("more_people")),
    ),
  );
  if (focused) box.querySelector(`[data-user="${focused}"]`)?.focus({ preventScroll: true });
}

function person(user) {
  const unread = unreadOf(user);
  const mine = user.id === state.me;
  return h(
    "button",
    {
      class: `person ${mine ? "mine" : ""}`,
      role: "option",
      "aria-selected": String(mine),
      test: "user",
      "data-user": user.id,
      title: `${fullName(user)} · ${role(user)}`,
      onclick: () => become(user),
    },
    h(
      "span",
      { class: "avatar", style: { background: gradient(user.id, user.color), "--size": "44px" } },
      initials(fullName(user)),
      unread > 0 && h("span", { class: "badge" }, unread),
    ),
    h("span", { class: "person-name" }, user.first_name),
  );
}

const ROLES = {
  seller: ["продавец", "seller"],
  client: ["клиент", "client"],
  cashier: ["кассир", "cashier"],
  owner: ["владелец", "owner"],
  admin: ["админ", "admin"],
  manager: ["менеджер", "manager"],
  stranger: ["чужой", "stranger"],
};
const role = (user) => ROLES[user.role]?.[currentLanguage() === "en" ? 1 : 0] || user.role || "";

/** Another face: the same bot seen by that person, unless the chat list should speak first (phone). */
function become(user) {
  state.me = user.id;
  const bot = state.active ? state.active.split(":")[0] : state.bots[0]?.name;
  if (innerWidth >= 760 && bot) openChat(keyOf(bot, user.id));
  emit("chats");
}

function drawList(box) {
  /** @type {HTMLElement | null} */
  const row = box.contains(document.activeElement) ? document.activeElement.closest("[data-chat]") : null;
  const focused = row?.dataset.chat;
  if (!state.ready) {
    return replace(
      box,
      Array.from({ length: 3 }, () =>
        h(
          "div",
          { class: "chat-row ghost" },
          h("span", { class: "avatar", style: { "--size": "54px" } }),
          h("span", { class: "lines" }),
        )),
    );
  }
  if (!state.bots.length) return replace(box, h("p", { class: "hint" }, t("no_bots")));
  const me = state.users.find((user) => user.id === state.me) || state.users[0];
  replace(
    box,
    h("p", { class: "list-title" }, t("iam"), " ", h("b", {}, fullName(me)), me && role(me) ? `, ${role(me)}` : ""),
    state.bots.map((bot) => chatRow(bot, keyOf(bot.name, me?.id))),
  );
  if (focused) box.querySelector(`[data-chat="${focused}"] .chat-open`)?.focus({ preventScroll: true });
}

function chatRow(bot, key) {
  const chat = chatOf(key);
  const last = chat.last;
  const acting = chat.action && (has(`act_${chat.action}`) ? t(`act_${chat.action}`) : chat.action);
  const line = acting ? h("span", { class: "acting" }, `${acting}…`) : last
    ? h(
      "span",
      {},
      last.sim?.outgoing && h("span", { class: "you" }, `${t("you")}: `),
      preview(last).replaceAll("\n", " "),
    )
    : h("span", {}, t("no_messages_yet"));
  return h(
    "div",
    { class: `chat-row ${state.active === key ? "active" : ""}`, "data-chat": key, test: "chat-row" },
    h(
      "button",
      {
        class: "chat-open",
        test: "chat-open",
        "aria-current": state.active === key ? "true" : null,
        onclick: (event) => openChat(key, event.ctrlKey || event.metaKey),
      },
      h(
        "span",
        { class: "avatar", style: { background: gradient(bot.name), "--size": "54px" } },
        initials(bot.title || bot.name),
      ),
      h(
        "span",
        { class: "lines" },
        h(
          "span",
          { class: "line" },
          h("b", { class: "cut" }, bot.title || bot.name),
          h("time", {}, last ? shortDate(last.edit_date || last.date) : ""),
        ),
        h(
          "span",
          { class: "line" },
          h("span", { class: "cut preview" }, line),
          chat.unread > 0 && h("span", { class: "badge", "aria-label": t("unread", { n: chat.unread }) }, chat.unread),
          chat.blocked && icon("block", 16),
        ),
      ),
    ),
    state.columns.length > 0 && !state.columns.includes(key) &&
      h("button", {
        class: "icon-button beside",
        test: "open-beside",
        "aria-label": t("add_chat"),
        title: t("add_chat"),
        onclick: () => openChat(key, true),
      }, icon("plus", 20)),
  );
}

function drawFoot(box, look) {
  const bad = state.parts.filter((part) => part.status === "down" || part.status === "failed");
  const slow = state.parts.filter((part) => part.status === "starting");
  const names = (parts) => parts.map((part) => part.name).join(", ");
  const mood = state.connection === "lost" || bad.length
    ? "bad"
    : slow.length || state.connection !== "live"
    ? "wait"
    : "good";
  const words = state.connection === "lost"
    ? t("lost_title")
    : bad.length
    ? t("some_down", { names: names(bad) })
    : slow.length
    ? t("starting", { names: names(slow) })
    : t("all_up");
  replace(
    box,
    h(
      "button",
      { class: "health", test: "health", onclick: () => setInspector({ open: true, tab: "parts" }) },
      h("i", { class: `dot ${mood}` }),
      h("span", { class: "cut" }, words),
    ),
    h("button", {
      class: "icon-button",
      test: "inspector-open",
      "aria-label": t("inspector"),
      title: t("inspector"),
      onclick: () => setInspector({ open: !state.inspector.open }),
    }, icon("panel", 22)),
    h("button", {
      class: "icon-button lang",
      test: "language",
      "aria-label": t("language"),
      title: t("language"),
      onclick: look.language,
    }, currentLanguage() === "en" ? "Ру" : "En"),
    h("button", {
      class: "icon-button",
      test: "theme",
      "aria-label": t("theme"),
      title: t("theme"),
      onclick: look.theme,
    }, icon(look.dark() ? "sun" : "moon", 22)),
  );
}

export function addChatMenu(anchor) {
  const items = state.users.flatMap((user) =>
    state.bots
      .filter((bot) => !state.columns.includes(keyOf(bot.name, user.id)))
      .map((bot) => ({
        label: `${fullName(user)} · ${bot.title}`,
        icon: "user",
        test: "add-chat-item",
        run: () => openChat(keyOf(bot.name, user.id), true),
      }))
  );
  if (items.length) menu(anchor, items);
}

function addUser() {
  const name = h("input", {
    class: "input",
    test: "user-name",
    placeholder: t("name"),
    "aria-label": t("name"),
    autofocus: true,
  });
  const username = h("input", {
    class: "input",
    test: "user-username",
    placeholder: t("username"),
    "aria-label": t("username"),
  });
  const language = h(
    "select",
    { class: "input", test: "user-language", "aria-label": t("lang_code") },
    ["ru", "en"].map((code) => h("option", { value: code }, code)),
  );
  sheet(
    (close) => {
      const submit = async (event) => {
        event.preventDefault();
        if (!name.value.trim()) return name.focus();
        try {
          const user = await api.addUser({
            first_name: name.value.trim(),
            username: username.value.trim() || undefined,
            language_code: language.value,
          });
          if (!userOf(`:${user.id}`)) state.users.push(user);
          close();
          become(user);
        } catch (error) {
          failed(error);
        }
      };
      return h(
        "form",
        { class: "form", onsubmit: submit },
        h("h2", {}, t("add_user")),
        name,
        username,
        language,
        h(
          "div",
          { class: "sheet-actions" },
          h("button", { type: "button", class: "text-button", onclick: close }, t("cancel")),
          h("button", { class: "text-button", test: "user-add" }, t("add")),
        ),
      );
    },
    { label: t("add_user"), className: "small", test: "user-sheet" },
  );
}
