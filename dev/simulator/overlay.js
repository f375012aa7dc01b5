// What lies above the chat: toasts, alerts, sheets, menus, the lightbox. Each gives the focus back when it goes.

import { animate, h, replace } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

const root = () => document.getElementById("overlays");

/** Tell something for a moment; `place` is a chat column or the whole page. */
export function toast(text, { place = document.body, kind = "" } = {}) {
  const box = h("div", { class: `toast ${kind}`, role: "status", test: "toast" }, text);
  place.querySelectorAll(":scope > .toast").forEach((old) => old.remove());
  place.append(box);
  animate(box, [{ opacity: 0, transform: "translate(-50%, 8px)" }, { opacity: 1, transform: "translate(-50%, 0)" }], {
    duration: 160,
  });
  setTimeout(() => box.remove(), Math.max(2500, text.length * 60));
}

export const failed = (error) => toast(t("failed", { why: error.message }), { kind: "bad" });

/**
 * Open a dialog with `build(close)` inside; returns the way to close it.
 * @param {(close: () => void) => any} build
 * @param {{label?: string, className?: string, test?: string, onclose?: () => void}} [options]
 */
export function sheet(build, { label, className = "", test = "dialog", onclose } = {}) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const close = () => {
    document.removeEventListener("keydown", keys, true);
    shade.remove();
    before?.focus?.({ preventScroll: true });
    onclose?.();
  };
  const keys = (event) => trap(event, box, close);
  const box = h("div", {
    class: `sheet ${className}`,
    role: "dialog",
    "aria-modal": "true",
    "aria-label": label,
    test,
    tabindex: -1,
  });
  const shade = h("div", { class: "shade", onmousedown: (event) => event.target === shade && close() }, box);
  replace(box, build(close));
  root().append(shade);
  document.addEventListener("keydown", keys, true);
  animate(box, [{ opacity: 0, transform: "translateY(16px) scale(.98)" }, { opacity: 1, transform: "none" }], {
    duration: 180,
    easing: "ease-out",
  });
  (box.querySelector("[autofocus], input, textarea") || box).focus({ preventScroll: true });
  return close;
}

function trap(event, box, close) {
  if (event.key === "Escape") {
    event.stopPropagation();
    return close();
  }
  if (event.key !== "Tab") return;
  const items = [...box.querySelectorAll("button, a[href], input, textarea, select, [tabindex='0']")].filter((item) =>
    !item.disabled
  );
  if (!items.length) return;
  const last = items[items.length - 1];
  const leaving = event.shiftKey ? document.activeElement === items[0] : document.activeElement === last;
  if (!leaving && box.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? last : items[0]).focus();
}

/** A callback answer with show_alert: a box with one OK, as in Telegram. */
export function alertBox(text, title) {
  sheet(
    (close) => [
      title && h("h2", {}, title),
      h("p", { class: "sheet-text", test: "alert-text" }, text),
      h(
        "div",
        { class: "sheet-actions" },
        h("button", { class: "text-button", test: "alert-ok", onclick: close, autofocus: true }, "OK"),
      ),
    ],
    { label: text, className: "small", test: "alert" },
  );
}

export function confirmBox(text, action, { danger = false } = {}) {
  return new Promise((done) => {
    let answer = false;
    const decide = (value, close) => () => {
      answer = value;
      close();
    };
    sheet(
      (close) => [
        h("p", { class: "sheet-text" }, text),
        h(
          "div",
          { class: "sheet-actions" },
          h("button", { class: "text-button", test: "confirm-no", onclick: close }, t("cancel")),
          h("button", {
            class: `text-button ${danger ? "danger" : ""}`,
            test: "confirm-yes",
            autofocus: true,
            onclick: decide(true, close),
          }, action),
        ),
      ],
      { label: text, className: "small", test: "confirm", onclose: () => done(answer) },
    );
  });
}

/** A small menu at `anchor`: items are {label, icon, run, danger, test} or null for a line. */
export function menu(anchor, items) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const rows = items.map((item) =>
    item
      ? h(
        "button",
        {
          class: `menu-item ${item.danger ? "danger" : ""}`,
          role: "menuitem",
          test: item.test,
          onclick: () => {
            close();
            item.run();
          },
        },
        item.icon && icon(item.icon, 20),
        h("span", {}, item.label),
      )
      : h("hr")
  );
  const box = h("div", { class: "menu", role: "menu", test: "menu" }, rows);
  const shade = h("div", { class: "shade clear", onmousedown: (event) => event.target === shade && close() }, box);
  const close = () => {
    document.removeEventListener("keydown", keys, true);
    shade.remove();
    before?.focus?.({ preventScroll: true });
  };
  const keys = (event) => walk(event, box, close);
  root().append(shade);
  place(box, anchor.getBoundingClientRect());
  document.addEventListener("keydown", keys, true);
  animate(box, [{ opacity: 0, transform: "scale(.92)" }, { opacity: 1, transform: "none" }], {
    duration: 120,
    easing: "ease-out",
  });
  box.querySelector("button")?.focus({ preventScroll: true });
}

function place(box, at) {
  const width = box.offsetWidth;
  const height = box.offsetHeight;
  const left = Math.min(
    Math.max(8, at.left + width > innerWidth - 8 ? at.right - width : at.left),
    innerWidth - width - 8,
  );
  const below = at.bottom + 6;
  const top = below + height > innerHeight - 8 ? Math.max(8, at.top - height - 6) : below;
  Object.assign(box.style, { left: `${left}px`, top: `${top}px` });
}

function walk(event, box, close) {
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    return close();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...box.querySelectorAll("button")];
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
}

/** Show pictures in full; arrows go through the album. */
export function lightbox(pictures, start = 0) {
  let index = start;
  const image = h("img", { alt: "", test: "lightbox-image" });
  const text = h("div", { class: "lightbox-caption" });
  const link = h("a", {
    class: "round-button",
    test: "lightbox-download",
    "aria-label": t("download"),
    title: t("download"),
    download: "",
  }, icon("download"));
  const show = (step) => {
    index = (index + step + pictures.length) % pictures.length;
    image.src = pictures[index].url;
    link.href = pictures[index].url;
    text.textContent = pictures[index].caption || "";
  };
  const close = () => {
    document.removeEventListener("keydown", keys, true);
    box.remove();
  };
  const keys = (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowRight") show(1);
    else if (event.key === "ArrowLeft") show(-1);
    else return;
    event.stopPropagation();
  };
  const bar = h(
    "div",
    { class: "lightbox-bar" },
    link,
    h(
      "button",
      { class: "round-button", test: "lightbox-close", "aria-label": t("close"), onclick: close },
      icon("close"),
    ),
  );
  const box = h(
    "div",
    {
      class: "lightbox",
      role: "dialog",
      "aria-modal": "true",
      "aria-label": t("kind_photo"),
      test: "lightbox",
      onclick: (event) => event.target === box && close(),
    },
    image,
    text,
    bar,
  );
  show(0);
  root().append(box);
  document.addEventListener("keydown", keys, true);
  animate(image, [{ opacity: 0, transform: "scale(.94)" }, { opacity: 1, transform: "none" }], {
    duration: 180,
    easing: "ease-out",
  });
  bar.querySelector("button").focus();
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard API needs a secure page; a hidden field works everywhere.
    const field = h("textarea", { value: text, class: "off-screen" });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  toast(t("copied"));
}
