// The bar at the bottom: text, commands, attachments, the bot's keyboard, START and UNBLOCK.

import { api } from "./api.js";
import { attachMenu, preview } from "./attach.js";
import { h, replace } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { replyKeyboard } from "./keyboard.js";
import { failed } from "./overlay.js";
import { chatOf, commandsOf } from "./store.js";

const REMEMBER = 20;
const TALLEST = 180;

export function composer(key, hub) {
  const chat = chatOf(key);
  const box = h("footer", { class: "composer" });
  const field = h("textarea", {
    rows: 1,
    class: "field",
    test: "composer",
    "aria-label": t("placeholder"),
    placeholder: t("placeholder"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const suggestions = h("div", {
    class: "suggestions",
    role: "listbox",
    "aria-label": t("commands"),
    test: "suggestions",
    hidden: true,
  });
  const keys = h("div", { class: "keyboard-place" });
  const memory = { texts: [], at: 0 };
  let selected = 0;

  const sendButton = h("button", {
    class: "round-button send",
    test: "send",
    "aria-label": t("send"),
    title: t("send"),
    onclick: () => submit(),
  }, icon("send"));
  const attachButton = h("button", {
    class: "icon-button",
    test: "attach",
    "aria-label": t("attach"),
    title: t("attach"),
    onclick: () => attachMenu(key, attachButton),
  }, icon("attach"));
  const keysButton = h("button", {
    class: "icon-button",
    test: "keyboard-toggle",
    "aria-label": t("keyboard"),
    title: t("keyboard"),
    onclick: toggleKeys,
  }, icon("keyboard"));
  const commandsButton = h(
    "button",
    {
      class: "command-button",
      test: "commands",
      "aria-label": t("commands"),
      title: t("commands"),
      onclick: () => (suggestions.hidden ? suggest("/", true) : hide()),
    },
    h("span", {}, "/"),
    h("span", { class: "command-word" }, t("menu")),
  );
  const bar = h(
    "div",
    { class: "bar" },
    commandsButton,
    h("div", { class: "pod" }, field, keysButton, attachButton),
    sendButton,
  );

  async function send(text) {
    const clean = text.trim();
    if (!clean) return;
    memory.texts = [clean, ...memory.texts.filter((item) => item !== clean)].slice(0, REMEMBER);
    memory.at = 0;
    try {
      await api.text(key, text);
    } catch (error) {
      failed(error);
    }
  }

  async function submit() {
    const text = field.value;
    fill("");
    hide();
    field.focus();
    await send(text);
  }

  async function sendKey(text) {
    if (chat.replyKeyboard?.one_time_keyboard) {
      chat.keyboardShown = false;
      drawKeys();
    }
    if (text) await send(text);
  }

  function fill(text) {
    field.value = text;
    grow();
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, TALLEST)}px`;
    sendButton.classList.toggle("ready", field.value.trim() !== "");
  }

  function suggest(text, all = false) {
    const commands = commandsOf(key);
    const found = /^\/\w*$/.test(text) || all ? commands.filter((item) => `/${item.command}`.startsWith(text)) : [];
    if (!found.length && !(all && !commands.length)) return hide();
    selected = 0;
    suggestions.hidden = false;
    document.addEventListener("pointerdown", outside);
    const rows = found.map((item, index) => commandRow(item, index === 0, () => choose(item)));
    replace(suggestions, rows.length ? rows : h("p", { class: "hint" }, t("no_commands")));
  }

  async function choose(item) {
    fill("");
    hide();
    field.focus();
    await send(`/${item.command}`);
  }

  function hide() {
    suggestions.hidden = true;
    document.removeEventListener("pointerdown", outside);
  }

  const outside = (event) => suggestions.contains(event.target) || commandsButton.contains(event.target) || hide();

  function move(step) {
    const rows = [...suggestions.querySelectorAll("button")];
    selected = (selected + step + rows.length) % rows.length;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === selected)));
    rows[selected]?.scrollIntoView({ block: "nearest" });
  }

  function recall(step) {
    const next = memory.at + step;
    if (next < 0 || next > memory.texts.length) return;
    memory.at = next;
    fill(next ? memory.texts[next - 1] : "");
  }

  function keydown(event) {
    if (event.isComposing) return;
    const open = !suggestions.hidden;
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const recalling = field.value === "" || field.value === memory.texts[memory.at - 1];
    if (open && arrow) move(arrow);
    else if (open && (event.key === "Tab" || event.key === "Enter")) {
      suggestions.querySelectorAll("button")[selected]?.click();
    } else if (open && event.key === "Escape") hide();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else if (arrow && recalling && memory.texts.length) recall(-arrow);
    else return;
    event.preventDefault();
  }

  function paste(event) {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length) return;
    event.preventDefault();
    preview(key, files, files.every((file) => file.type.startsWith("image/")) ? "photo" : "document");
  }

  function toggleKeys() {
    chat.keyboardShown = !chat.keyboardShown;
    drawKeys();
  }

  function drawKeys() {
    const markup = chat.replyKeyboard?.keyboard ? chat.replyKeyboard : null;
    keysButton.hidden = !markup;
    keysButton.setAttribute("aria-pressed", String(Boolean(markup && chat.keyboardShown)));
    field.placeholder = (markup && chat.keyboardShown && markup.input_field_placeholder) || t("placeholder");
    replace(keys, markup && chat.keyboardShown ? replyKeyboard(key, markup, sendKey) : null);
  }

  function draw(detail = {}) {
    if (detail.type && !["reset", "keyboard", "blocked", "message", "delete"].includes(detail.type)) return;
    const mode = chat.blocked ? "blocked" : chat.loaded && !chat.messages.length ? "start" : "write";
    if (mode !== box.dataset.mode) {
      const parts = {
        blocked: () => [wide("unblock", t("restart_bot"), unblock)],
        start: () => [wide("start", t("start"), () => send("/start"))],
        write: () => [suggestions, bar, keys],
      };
      replace(box, parts[mode]());
      box.dataset.mode = mode;
    }
    commandsButton.hidden = !commandsOf(key).length;
    drawKeys();
  }

  async function unblock() {
    try {
      await api.unblock(key);
      chat.blocked = false;
      draw();
    } catch (error) {
      failed(error);
    }
  }

  field.addEventListener("input", () => {
    grow();
    suggest(field.value);
  });
  field.addEventListener("keydown", keydown);
  field.addEventListener("paste", paste);
  box.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  box.addEventListener("focusout", (event) => event.relatedTarget && !box.contains(event.relatedTarget) && hide());
  hub.on(`chat:${key}`, draw);
  hub.on("state", () => draw());
  draw();
  return { element: box, focus: () => field.focus({ preventScroll: true }) };
}

const wide = (test, label, run) => h("button", { class: "wide-button", test, onclick: run }, label);

function commandRow(item, selected, run) {
  return h(
    "button",
    { class: "suggestion", role: "option", test: "suggestion", "aria-selected": String(selected), onclick: run },
    h("b", {}, `/${item.command}`),
    h("span", {}, item.description),
  );
}
