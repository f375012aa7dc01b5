// The parts of a bubble that are not text: pictures, albums, files, video, invoices, contacts, stickers.
// Every picture gets its room before it loads, so nothing jumps.

import { h } from "./dom.js";
import { clock, duration, fullName, gradient, initials, size } from "./format.js";
import { t } from "./i18n.js";
import { icon, star } from "./icons.js";
import { lightbox } from "./overlay.js";

const MAX_WIDTH = 400;
const MAX_HEIGHT = 460;

export const fileUrl = (message, id) => message.sim?.files?.[id] || `/sim/files/${id}`;
export const largest = (photo) =>
  photo.reduce((best, item) => (item.width * item.height > best.width * best.height ? item : best));

export function media(message) {
  if (message.photo) return photo(message);
  if (message.video || message.animation) return video(message, message.video || message.animation);
  if (message.document) return documentRow(message);
  if (message.sticker) return sticker(message);
  if (message.voice || message.audio) return sound(message, message.voice || message.audio);
  if (message.contact) return contact(message.contact);
  if (message.invoice) return invoice(message);
  return null;
}

function frame(width, height, content, className) {
  const scale = Math.min(MAX_WIDTH / width, MAX_HEIGHT / height, 1.6);
  const shown = Math.max(Math.round(width * scale), 120);
  return h("div", {
    class: `media ${className}`,
    style: { width: `${shown}px`, "aspect-ratio": `${Math.max(width / height, 0.42)}` },
  }, content);
}

function photo(message) {
  const best = largest(message.photo);
  return frame(best.width || 4, best.height || 3, picture(message, [message]), "photo");
}

function picture(message, group) {
  const all = group.map((item) => ({ url: fileUrl(item, largest(item.photo).file_id), caption: item.caption }));
  const url = fileUrl(message, largest(message.photo).file_id);
  const image = h("img", { src: url, alt: message.caption || t("kind_photo"), decoding: "async", draggable: "false" });
  image.addEventListener("error", () => image.classList.add("broken"));
  return h(
    "button",
    {
      class: "picture",
      test: "photo",
      "aria-label": t("kind_photo"),
      onclick: () => lightbox(all, group.indexOf(message)),
    },
    image,
  );
}

const ROWS = {
  2: [2],
  3: [1, 2],
  4: [2, 2],
  5: [2, 3],
  6: [3, 3],
  7: [2, 2, 3],
  8: [2, 3, 3],
  9: [3, 3, 3],
  10: [2, 2, 3, 3],
};

/** Pictures and videos of one media group as justified rows, files one under another. */
export function album(messages) {
  const visual = messages.filter((message) => message.photo || message.video);
  if (visual.length !== messages.length) return h("div", { class: "stack" }, messages.map(documentRow));
  const rows = [];
  let from = 0;
  for (const count of ROWS[messages.length] || [messages.length]) {
    rows.push(albumRow(messages.slice(from, from + count), messages));
    from += count;
  }
  return h("div", { class: "media album", test: "album" }, rows);
}

function albumRow(part, group) {
  const ratios = part.map((message) => {
    const item = message.photo ? largest(message.photo) : message.video;
    return Math.min(Math.max((item.width || 1) / (item.height || 1), 0.66), 1.7);
  });
  const total = ratios.reduce((sum, ratio) => sum + ratio, 0);
  const photos = group.filter((message) => message.photo);
  const cells = part.map((message, index) =>
    h(
      "div",
      { class: "cell", style: { "flex-grow": ratios[index] / total } },
      message.photo ? picture(message, photos) : player(message, message.video),
    )
  );
  return h("div", { class: "row", style: { "aspect-ratio": Math.max(total, 1.1) } }, cells);
}

function video(message, file) {
  return frame(file.width || 9, file.height || 16, player(message, file), "video");
}

function player(message, file) {
  const cover = file.cover?.[0] || file.thumbnail;
  const loop = Boolean(message.animation);
  return h("video", {
    src: fileUrl(message, file.file_id),
    poster: cover ? fileUrl(message, cover.file_id) : null,
    controls: !loop,
    loop,
    autoplay: loop,
    muted: loop,
    playsinline: true,
    preload: "metadata",
    test: "video",
  });
}

function documentRow(message) {
  const file = message.document;
  const name = file.file_name || t("kind_document");
  const url = fileUrl(message, file.file_id);
  const isImage = (file.mime_type || "").startsWith("image/") && !/hei[cf]|tiff/.test(file.mime_type);
  const cover = isImage ? h("img", { src: url, alt: "", onerror: (event) => event.target.remove() }) : null;
  const badge = h("span", { class: `file-badge ${isImage ? "has-image" : ""}` }, icon("download", 22), cover);
  return h(
    "a",
    { class: "document", href: url, download: name, test: "document", "aria-label": `${t("download")}: ${name}` },
    badge,
    h(
      "span",
      { class: "file-about" },
      h("span", { class: "file-name" }, shorten(name)),
      h("span", { class: "file-size" }, size(file.file_size)),
    ),
  );
}

/** Keep the ending in sight: a long name is cut in the middle. */
function shorten(name) {
  const dot = name.lastIndexOf(".");
  const tail = dot > 0 && name.length - dot <= 6 ? name.slice(dot) : "";
  return tail
    ? [h("span", { class: "cut" }, name.slice(0, name.length - tail.length)), h("span", {}, tail)]
    : h("span", { class: "cut" }, name);
}

function sticker(message) {
  const file = message.sticker;
  const url = fileUrl(message, file.file_id);
  const moving = file.is_video;
  const fallback = (event) => event.target.replaceWith(h("span", { class: "sticker-emoji" }, file.emoji || "🙂"));
  return h(
    "div",
    { class: "sticker", test: "sticker" },
    moving
      ? h("video", { src: url, autoplay: true, loop: true, muted: true, playsinline: true })
      : h("img", { src: url, alt: file.emoji || t("kind_sticker"), onerror: fallback }),
  );
}

function sound(message, file) {
  return h(
    "div",
    { class: "sound", test: "sound" },
    h("audio", { src: fileUrl(message, file.file_id), controls: true, preload: "metadata" }),
    h("span", { class: "file-size" }, file.title || duration(file.duration)),
  );
}

function contact(person) {
  const name = fullName({ ...person, id: person.user_id });
  return h(
    "div",
    { class: "contact", test: "contact" },
    h(
      "span",
      { class: "avatar", style: { background: gradient(person.user_id || 1), "--size": "44px" } },
      initials(name),
    ),
    h(
      "span",
      { class: "file-about" },
      h("span", { class: "file-name" }, name),
      h("span", { class: "file-size" }, person.phone_number),
    ),
  );
}

function invoice(message) {
  const bill = message.invoice;
  return h(
    "div",
    { class: "invoice", test: "invoice" },
    h("div", { class: "invoice-title" }, bill.title),
    h("div", { class: "invoice-text" }, bill.description),
    h(
      "div",
      { class: "invoice-price" },
      star(16),
      String(bill.total_amount),
      bill.currency === "XTR" ? "" : ` ${bill.currency}`,
    ),
  );
}

/** The grey pill for what is not a message of anybody; null when it is one. */
export function serviceText(message) {
  if (message.successful_payment) return t("service_paid", { n: message.successful_payment.total_amount });
  if (message.refunded_payment) return t("service_refunded", { n: message.refunded_payment.total_amount });
  if (message.pinned_message) return t("service_pinned");
  if (message.write_access_allowed) return message.sim?.html || "write_access_allowed";
  return null;
}

export function meta(message, outgoing) {
  return h(
    "span",
    { class: "meta" },
    message.edit_date && h("span", { class: "edited" }, t("edited")),
    h("time", { datetime: new Date(message.date * 1000).toISOString() }, clock(message.date)),
    outgoing && h("span", { class: "ticks", "data-update": message.sim?.update_id ?? "" }),
  );
}
