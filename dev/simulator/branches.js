// The branches of the local Neon: what `python -m ops branch` makes, by hand.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { day, size } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { confirmBox, copy, failed } from "./overlay.js";

const EVERY = 5000; // a command in a terminal makes branches, too

export function branchesPanel(body) {
  const list = h("div", { test: "branches" });
  const name = h("input", {
    class: "input",
    test: "branch-name",
    placeholder: t("branch_name"),
    "aria-label": t("branch_name"),
    maxlength: 100,
  });
  const form = h(
    "form",
    { class: "fields", onsubmit: (event) => create(event, name, show) },
    name,
    h("button", { class: "chip strong", test: "branch-create" }, icon("plus", 16), t("create")),
  );
  replace(body, h("p", { class: "hint" }, t("branches_intro")), form, list);
  let timer = null;
  let shown = "";

  function show(found) {
    const now = JSON.stringify(found.branches);
    if (now !== shown) replace(list, found.branches.map((branch) => card(branch, show)));
    shown = now;
  }

  async function load() {
    clearTimeout(timer);
    try {
      show(await api.branches());
    } catch (error) {
      shown = "";
      replace(
        list,
        h("p", { class: "problem", test: "branches-broken" }, t("branches_broken", { why: error.message })),
      );
    }
    if (list.isConnected) timer = setTimeout(load, document.hidden ? EVERY * 4 : EVERY);
  }

  load();
}

async function create(event, field, show) {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    show(await api.createBranch(field.value));
    field.value = "";
  } catch (error) {
    failed(error);
  }
  button.disabled = false;
  field.focus();
}

function card(branch, show) {
  const fixed = branch.default || branch.protected;
  return h(
    "div",
    { class: "part", test: "branch", "data-name": branch.name },
    h(
      "div",
      { class: "part-line" },
      h("b", { class: "cut", title: branch.name }, branch.name),
      branch.default && h("span", { class: "tag" }, t("branch_default")),
      branch.protected && h("span", { class: "tag" }, t("branch_protected")),
      h("span", { class: "took" }, branch.bytes ? size(branch.bytes) : ""),
    ),
    h("p", { class: "hint" }, ending(branch)),
    h("p", { class: "url" }, h("code", {}, branch.url)),
    buttons(branch, fixed, show),
  );
}

const ending = ({ expires_at: at }) => at ? t("branch_ends", { when: day(Date.parse(at) / 1000) }) : t("branch_stays");

function buttons(branch, fixed, show) {
  const button = (verb, label, question = "") =>
    h("button", {
      class: "chip",
      test: `branch-${verb}`,
      onclick: (event) => act(event.target, branch, verb, question, show),
    }, label);
  return h(
    "div",
    { class: "chips" },
    h("button", { class: "chip", test: "branch-copy", onclick: () => copy(branch.url) }, t("branch_copy")),
    !fixed && button("reset", t("branch_reset"), t("branch_reset_sure", { name: branch.name })),
    !fixed && button("expire", t("branch_expire")),
    !branch.default && button("protect", branch.protected ? t("branch_unprotect") : t("branch_protect")),
    !fixed && button("delete", t("branch_delete"), t("branch_delete_sure", { name: branch.name })),
  );
}

async function act(button, branch, verb, question, show) {
  if (question && !await confirmBox(question, button.textContent, { danger: true })) return;
  button.disabled = true;
  try {
    show(await api.actOnBranch(branch.id, verb));
  } catch (error) {
    failed(error);
  }
  button.disabled = false;
}
