// How times, sizes and people are written. Everything takes plain values and returns plain text.

import { locale, t } from "./i18n.js";

const date = (seconds) => new Date(seconds * 1000);

export const clock = (seconds) => date(seconds).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });

export const dayKey = (seconds) => date(seconds).toDateString();

export function day(seconds) {
  const now = new Date();
  if (dayKey(seconds) === now.toDateString()) return t("today");
  if (dayKey(seconds + 86400) === now.toDateString()) return t("yesterday");
  const year = date(seconds).getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date(seconds).toLocaleDateString(locale(), { day: "numeric", month: "long", year });
}

export const shortDate = (seconds) =>
  dayKey(seconds) === new Date().toDateString()
    ? clock(seconds)
    : date(seconds).toLocaleDateString(locale(), { day: "2-digit", month: "2-digit" });

export function size(bytes) {
  if (bytes === undefined || bytes === null) return "";
  const units = t("bytes").split(",");
  let index = 0;
  let value = bytes;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${value.toLocaleString(locale(), { maximumFractionDigits: index ? 1 : 0 })} ${units[index]}`;
}

export function ms(value) {
  if (value === undefined || value === null) return "–";
  if (value >= 10000) return `${(value / 1000).toFixed(1)} ${t("sec")}`;
  return `${value >= 100 ? Math.round(value) : Number(value).toFixed(value >= 10 ? 0 : 1)} ${t("msec")}`;
}

export const duration = (seconds) =>
  `${Math.floor((seconds || 0) / 60)}:${String(Math.floor(seconds || 0) % 60).padStart(2, "0")}`;

/** A time stamp of any kind the stack writes: ISO text, seconds or milliseconds. */
export function stamp(value) {
  if (!value) return "";
  const moment = typeof value === "number" ? new Date(value > 1e12 ? value : value * 1000) : new Date(value);
  return Number.isNaN(moment.getTime()) ? String(value) : moment.toLocaleTimeString(locale());
}

export const fullName = (user) =>
  [user?.first_name, user?.last_name].filter(Boolean).join(" ") || String(user?.id ?? "?");

export const initials = (name) =>
  name
    .split(/[\s·]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0].toUpperCase())
    .join("");

const COLORS = ["#ff885e", "#ffcd6a", "#82b1ff", "#a0de7e", "#53edd6", "#72d5fd", "#e0a2f3"];
const DEEP = ["#ff516a", "#ffa85c", "#665fff", "#54cb68", "#28c9b7", "#2a9ef1", "#d669ed"];

/** The gradient Telegram gives a person without a photo: chosen by id, so it never changes. */
export function gradient(id, base) {
  if (base) return `linear-gradient(color-mix(in srgb, ${base} 70%, white), ${base})`;
  const number = typeof id === "number" ? id : [...String(id)].reduce((sum, letter) => sum + letter.codePointAt(0), 0);
  const index = Math.abs(number) % COLORS.length;
  return `linear-gradient(${COLORS[index]}, ${DEEP[index]})`;
}

const SIGNS = { photo: "🖼", video: "📹", document: "📎", voice: "🎤", audio: "🎵", animation: "🎞" };

/** One line that stands for a message in the chat list. */
export function preview(message) {
  if (!message) return "";
  const text = message.text || message.caption;
  const kinds = [
    "photo",
    "video",
    "document",
    "sticker",
    "voice",
    "audio",
    "animation",
    "contact",
    "invoice",
    "location",
  ];
  const kind = kinds.find((name) => message[name]);
  if (message.successful_payment) return t("paid_stars", { n: message.successful_payment.total_amount });
  if (message.refunded_payment) return t("refunded_stars", { n: message.refunded_payment.total_amount });
  if (kind === "document" && !text) return message.document.file_name || t("kind_document");
  if (kind === "sticker") return `${message.sticker.emoji || ""} ${t("kind_sticker")}`.trim();
  if (text) return kind ? `${SIGNS[kind] || ""} ${text}`.trim() : text;
  return kind ? t(`kind_${kind}`) : t("message");
}
