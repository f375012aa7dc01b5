// Puts the page together: look, columns, keys, and what happens at the start.

import { inspector } from "./inspector.js";
import { watchDragging } from "./attach.js";
import { chatColumn, say } from "./chat.js";
import { h, replace } from "./dom.js";
import { currentLanguage, setLanguage, t } from "./i18n.js";
import { icon } from "./icons.js";
import { connect, loadChat } from "./live.js";
import { failed } from "./overlay.js";
import { addChatMenu, openChat, sidebar } from "./sidebar.js";
import { strip } from "./strip.js";
import { chatOf, emit, keyOf, on, restore, save, setColumns, setInspector, state, subscriptions } from "./store.js";

const query = new URLSearchParams(location.search);
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let theme = query.get("theme") || restore("theme", "auto");

const look = {
  dark: () => (theme === "auto" ? systemDark.matches : theme === "dark"),
  theme() {
    theme = look.dark() ? "light" : "dark";
    save("theme", theme);
    paint();
    emit("state");
  },
  language() {
    setLanguage(currentLanguage() === "en" ? "ru" : "en");
    mount();
  },
};

function paint() {
  document.documentElement.dataset.theme = look.dark() ? "dark" : "light";
}

let hub = null;
const columns = new Map();

/** Build everything again; called at the start and after a change of language. */
function mount() {
  hub?.end();
  for (const column of columns.values()) column.end();
  columns.clear();
  hub = subscriptions();
  const place = h("main", { class: "columns", test: "columns" });
  const add = h("button", {
    class: "add-column",
    test: "add-chat",
    "aria-label": t("add_chat"),
    title: t("add_chat"),
    onclick: () => addChatMenu(add),
  }, icon("plus"));
  const side = sidebar(hub, look);
  const app = h("div", { class: "app" }, side, place, inspector(hub));
  replace(document.getElementById("app"), strip(hub), app);
  const arrange = () => drawColumns(place, add, app);
  hub.on("columns", arrange);
  hub.on("state", arrange);
  hub.on("inspector", () => app.classList.toggle("inspecting", state.inspector.open));
  hub.on("add-chat", () => addChatMenu(add));
  app.classList.toggle("inspecting", state.inspector.open);
  arrange();
}

function drawColumns(place, add, app) {
  for (const [key, column] of columns) {
    if (state.columns.includes(key)) continue;
    column.end();
    column.element.remove();
    columns.delete(key);
  }
  const known = state.columns.filter((key) => state.bots.some((bot) => key.startsWith(`${bot.name}:`)));
  for (const key of known) if (!columns.has(key)) openColumn(key);
  const elements = known.map((key) => columns.get(key).element);
  const hint = h("p", { class: "pick" }, h("span", { class: "pill" }, t("no_chat")));
  const wanted = elements.length ? [...elements, add] : [hint];
  // Moving an element would drop its scroll place and focus, so only a real change touches the page.
  if (wanted.length !== place.children.length || wanted.some((item, index) => place.children[index] !== item)) {
    replace(place, wanted);
  }
  app.classList.toggle("chatting", elements.length > 0);
}

function openColumn(key) {
  columns.set(key, chatColumn(key));
  if (chatOf(key).loaded) return;
  loadChat(key).catch((error) => state.connection === "live" && failed(error));
  if (matchMedia("(pointer: fine)").matches) requestAnimationFrame(() => columns.get(key)?.focus());
}

function keys(event) {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && state.inspector.open && !typing) return setInspector({ open: false });
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "i" || event.key === "ш") setInspector({ open: !state.inspector.open });
  else if (event.key === "/" && columns.has(state.active)) columns.get(state.active).focus();
  else return;
  event.preventDefault();
}

/** t.me/<bot>?start=<payload> pressed in one chat opens the other and starts it. */
async function deepLink({ key, username, payload }) {
  const bot = state.bots.find((item) => item.username.toLowerCase() === username.toLowerCase());
  if (!bot) return window.open(`https://t.me/${username}?start=${payload}`, "_blank", "noopener");
  const target = keyOf(bot.name, key.split(":")[1]);
  openChat(target, true);
  await say({ key: target, text: `/start ${payload}`.trim() });
}

/** Where we left off, else the first person with the first bot; ?chat=studio:1,client:2 says otherwise. */
function firstColumns() {
  const asked = query.get("chat")?.split(",").filter(Boolean);
  const kept = asked || restore("columns", null);
  if (kept) return kept.slice(0, innerWidth < 760 ? 1 : 6);
  const bot = state.bots[0];
  const user = state.users[0];
  return bot && user && innerWidth >= 760 ? [keyOf(bot.name, user.id)] : [];
}

function start() {
  if (query.get("lang")) setLanguage(query.get("lang"));
  document.documentElement.lang = currentLanguage();
  paint();
  systemDark.addEventListener("change", () => {
    paint();
    emit("state");
  });
  const inspecting = restore("inspector", {});
  const panel = query.get("panel");
  Object.assign(state.inspector, {
    open: panel ? true : Boolean(inspecting.open) && innerWidth >= 1000,
    tab: panel || inspecting.tab || "message",
  });
  watchDragging();
  addEventListener("keydown", keys);
  document.addEventListener("visibilitychange", () => !document.hidden && setColumns(state.columns));
  on("deep-link", deepLink);
  on("say", say);
  const stop = on("state", () => {
    stop();
    const columnsNow = firstColumns();
    if (state.me === null) state.me = state.users[0]?.id ?? null;
    setColumns(columnsNow, restore("active", ""));
  });
  mount();
  connect();
}

start();
