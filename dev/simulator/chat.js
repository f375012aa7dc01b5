// One column: header, banners, the thread, the composer. It owns scrolling and what a callback answer shows.

import { api } from "./api.js";
import { composer } from "./composer.js";
import { chatMenu } from "./chatmenu.js";
import { dropZones } from "./attach.js";
import { h, replace } from "./dom.js";
import { fullName, gradient, initials } from "./format.js";
import { has, t } from "./i18n.js";
import { icon } from "./icons.js";
import { alertBox, failed, toast } from "./overlay.js";
import { botOf, chatOf, emit, setColumns, setInspector, state, subscriptions, userOf } from "./store.js";
import { thread } from "./thread.js";

const HAND = 600; // milliseconds after a touch or a turn of the wheel in which a scroll is the person's
const NEAR = 80; // pixels from the end that still count as "at the bottom"

export function chatColumn(key) {
  const chat = chatOf(key);
  const hub = subscriptions();
  const log = thread(chat);
  const scroller = h("div", { class: "scroller", tabindex: 0, test: "messages", "aria-label": title(key) });
  const empty = h("div", { class: "empty-chat", test: "empty-chat" });
  const badge = h("span", { class: "badge" });
  const jump = h(
    "button",
    {
      class: "round-button jump",
      test: "scroll-bottom",
      "aria-label": t("to_bottom"),
      title: t("to_bottom"),
      onclick: () => toEnd(true),
    },
    icon("down"),
    badge,
  );
  const heading = h("div", { class: "heading" });
  const banner = h("div", { class: "banners" });
  const write = composer(key, hub);
  const column = h("section", {
    class: "column",
    test: "chat",
    "data-chat": key,
    "aria-label": title(key),
    onpointerdown: () => activate(key),
    onfocusin: () => activate(key),
  });
  const bottom = { stuck: true, missed: 0, top: 0, hand: -HAND, smooth: false };

  scroller.append(h("div", { class: "spacer" }), log.list, empty);
  column.append(
    h("div", { class: "wallpaper" }),
    header(key, heading),
    banner,
    h("div", { class: "body" }, scroller, jump),
    write.element,
    dropZones(key),
  );

  function toEnd(smooth = false) {
    bottom.stuck = true;
    bottom.missed = 0;
    bottom.smooth = smooth;
    setTimeout(() => (bottom.smooth = false), 400);
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    follow();
  }

  function follow() {
    const rest = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (rest < NEAR) Object.assign(bottom, { stuck: true, missed: 0 });
    jump.classList.toggle("shown", !bottom.stuck);
    badge.textContent = bottom.missed || "";
  }

  // While stuck, any growth (a loaded picture, an edit that unfolds) keeps the end in view.
  const pin = () =>
    bottom.stuck && !bottom.smooth && scroller.scrollTo({ top: scroller.scrollHeight, behavior: "instant" });
  const grown = new ResizeObserver(pin);
  grown.observe(log.list);
  grown.observe(scroller);
  // Edits grow and shrink the thread, which scrolls it too. Only a move by hand leaves the end.
  const byHand = () => (bottom.hand = performance.now());
  for (const type of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    scroller.addEventListener(type, byHand, { passive: true });
  }
  const scrolled = () => {
    const up = scroller.scrollTop < bottom.top - 1;
    bottom.top = scroller.scrollTop;
    if (up && performance.now() - bottom.hand < HAND) bottom.stuck = false;
    else if (bottom.stuck) pin();
    follow();
  };
  scroller.addEventListener("scroll", scrolled, { passive: true });

  function changed(detail = {}) {
    if (["pending", "delivery"].includes(detail.type)) log.marks();
    else if (["message", "edit", "delete", "reset", "draft"].includes(detail.type)) {
      log.draw({ quiet: detail.type === "reset" });
    }
    if (detail.type === "reset" || (detail.type === "message" && detail.message.sim?.outgoing)) toEnd();
    else if (detail.type === "message" && detail.fresh && !bottom.stuck) bottom.missed += 1;
    if (detail.type === "answer") showAnswer(column, key, detail.answer);
    drawEmpty(empty, chat, key);
    drawHeading(heading, chat, key);
    drawBanner(banner, chat, key);
    follow();
  }

  hub.on(`chat:${key}`, changed);
  hub.on("state", () => changed());
  hub.on("columns", () => column.classList.toggle("active", state.active === key));
  const clock = setInterval(() => chat.failing && drawBanner(banner, chat, key), 1000);
  log.draw({ quiet: true });
  changed();
  column.classList.toggle("active", state.active === key);
  requestAnimationFrame(() => toEnd());
  return {
    element: column,
    focus: () => write.focus(),
    end() {
      clearInterval(clock);
      grown.disconnect();
      hub.end();
    },
  };
}

const title = (key) => t("messages_of", { who: fullName(userOf(key)), bot: botOf(key)?.title || key });

function activate(key) {
  if (state.active === key) return;
  state.active = key;
  state.me = Number(key.split(":")[1]);
  emit("columns");
  emit("chats");
}

function header(key, heading) {
  const menuButton = h("button", {
    class: "icon-button",
    test: "chat-menu",
    "aria-label": t("chat_menu"),
    title: t("chat_menu"),
    onclick: () => chatMenu(key, menuButton),
  }, icon("more"));
  return h(
    "header",
    { class: "chat-header" },
    h("button", {
      class: "icon-button only-narrow",
      test: "back",
      "aria-label": t("back"),
      onclick: () => setColumns([]),
    }, icon("back")),
    heading,
    h("button", {
      class: "icon-button",
      test: "inspector-toggle",
      "aria-label": t("inspector"),
      title: t("inspector"),
      onclick: () => setInspector({ open: !state.inspector.open }),
    }, icon("panel")),
    menuButton,
  );
}

function drawHeading(box, chat, key) {
  const bot = botOf(key);
  const user = userOf(key);
  const name = bot?.title || chat.bot;
  const act = chat.action && (has(`act_${chat.action}`) ? t(`act_${chat.action}`) : chat.action);
  const status = act
    ? h("span", { class: "acting", test: "chat-action" }, act, h("i", { class: "dots" }, h("b"), h("b"), h("b")))
    : h("span", {}, t("bot"));
  replace(
    box,
    h("span", { class: "avatar", style: { background: gradient(chat.bot), "--size": "42px" } }, initials(name)),
    h(
      "span",
      { class: "heading-text" },
      h("span", { class: "heading-title" }, name),
      h(
        "span",
        { class: "heading-status" },
        status,
        h(
          "span",
          { class: "who", test: "who" },
          h("i", { class: "mini", style: { background: gradient(chat.user, user?.color) } }),
          fullName(user),
        ),
      ),
    ),
  );
}

function drawEmpty(box, chat, key) {
  const bare = chat.loaded && chat.messages.length === 0;
  box.hidden = !bare;
  if (!bare) return;
  const bot = botOf(key);
  replace(
    box,
    h(
      "div",
      { class: "empty-card" },
      h("b", {}, bot?.title || chat.bot),
      bot?.description && h("p", {}, bot.description),
      h("p", {}, t("empty_title")),
      h("p", {}, t("empty_text", { who: fullName(userOf(key)) })),
    ),
  );
}

/** What stands in the way of messages, in words, with what to do. */
function drawBanner(box, chat, key) {
  const hook = botOf(key)?.webhook;
  if (state.ready && hook && !hook.url) {
    return replace(
      box,
      banner("warn", t("no_webhook", { n: hook.pending_update_count || 0 }), h("code", {}, "python -m ops webhooks")),
    );
  }
  if (!chat.failing) return replace(box);
  const { status, attempts, update_id } = chat.failing;
  const words = status ? t("failing", { status, n: attempts }) : t("failing_none", { n: attempts });
  const look = h("button", {
    class: "link-button",
    test: "delivery-details",
    onclick: () => setInspector({ open: true, tab: "message", subject: { key, update: update_id } }),
  }, t("why"));
  replace(box, banner("bad", `${words} · ${countdown(chat.failing)}`, look));
}

function countdown(failing) {
  const left = Math.ceil((failing.at + (failing.next_in || 0) * 1000 - Date.now()) / 1000);
  return left > 0 ? t("failing_retry", { s: left }) : t("failing_now");
}

const banner = (kind, ...content) =>
  h(
    "div",
    { class: `banner ${kind}`, role: "status", test: "banner" },
    icon("warning", 18),
    h("span", {}, content.map((item) => [item, " "])),
  );

function showAnswer(column, key, answer) {
  if (answer.url) return window.open(answer.url, "_blank", "noopener");
  if (!answer.text) return;
  if (answer.show_alert) alertBox(answer.text, botOf(key)?.title);
  else toast(answer.text, { place: column });
}

/** Send a text for somebody: a command link, a deep link, the START button. */
export async function say({ key, text }) {
  try {
    await api.text(key, text);
  } catch (error) {
    failed(error);
  }
}
