// JSON on the screen: a tree that folds, a copy button, and two states laid side by side.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { copy } from "./overlay.js";

const LONG = 400;

/** A tree of `value`; `depth` levels are open at first. */
export function tree(value, depth = 2) {
  return h(
    "div",
    { class: "json", test: "json" },
    h("button", {
      class: "icon-button copy",
      test: "json-copy",
      "aria-label": t("copy_json"),
      title: t("copy_json"),
      onclick: () => copy(JSON.stringify(value, null, 2)),
    }, icon("copy", 16)),
    node(value, depth),
  );
}

function node(value, depth) {
  if (value === null || typeof value !== "object") return leaf(value);
  const entries = Object.entries(value);
  const list = Array.isArray(value);
  if (!entries.length) return h("span", { class: "j-empty" }, list ? "[]" : "{}");
  const rows = entries.map(([name, item]) => entry(name, item, depth - 1));
  return h("div", { class: "j-rows" }, rows);
}

function entry(name, item, depth) {
  const key = h("span", { class: "j-key" }, name);
  const deep = item !== null && typeof item === "object" && Object.keys(item).length > 0;
  if (!deep) return h("div", { class: "j-row" }, key, ": ", node(item, depth));
  const hint = Array.isArray(item) ? `[${item.length}]` : `{${Object.keys(item).length}}`;
  return h(
    "details",
    { class: "j-row", open: depth > 0 },
    h("summary", {}, key, " ", h("span", { class: "j-hint" }, hint)),
    node(item, depth),
  );
}

function leaf(value) {
  if (typeof value !== "string") {
    return h("span", { class: `j-${value === null ? "null" : typeof value}` }, String(value));
  }
  const text = value.length > LONG ? `${value.slice(0, LONG)}… (${value.length})` : value;
  return h("span", { class: "j-string" }, text);
}

/** Paths of `value` to printable leaves: {"a.b": "1"}. */
function flat(value, path = "", out = {}) {
  if (value !== null && typeof value === "object" && Object.keys(value).length) {
    for (const [name, item] of Object.entries(value)) flat(item, path ? `${path}.${name}` : name, out);
  } else if (value !== undefined && value !== null) {
    out[path || "·"] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return out;
}

/** Two states as a table; changed lines are lit. Null when there is nothing on either side. */
export function difference(before, after) {
  const left = flat(before);
  const right = flat(after);
  const paths = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  if (!paths.length) return null;
  const same = paths.filter((path) => left[path] === right[path]);
  const changed = paths.filter((path) => left[path] !== right[path]);
  return h(
    "div",
    { test: "state-diff" },
    changed.length > 0 && table(changed, left, right),
    same.length > 0 &&
      h(
        "details",
        { class: "job" },
        h("summary", {}, h("span", { class: "gist" }, `${t("unchanged")}: ${same.length}`)),
        table(same, left, right),
      ),
  );
}

function table(paths, left, right) {
  return h(
    "table",
    { class: "diff" },
    h("thead", {}, h("tr", {}, h("th", {}), h("th", {}, t("before")), h("th", {}, t("after")))),
    h("tbody", {}, paths.map((path) => line(path, left[path], right[path]))),
  );
}

function line(path, before, after) {
  const kind = before === after ? "same" : before === undefined ? "added" : after === undefined ? "removed" : "changed";
  return h(
    "tr",
    { class: kind },
    h("td", { class: "path" }, path),
    h("td", {}, before ?? "–"),
    h("td", {}, after ?? "–"),
  );
}
