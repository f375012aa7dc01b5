// The Stars sheet: what is bought, for how much, one button. The stand-in then plays pre-checkout and payment.

import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon, star } from "./icons.js";
import { alertBox, failed, sheet } from "./overlay.js";
import { botOf } from "./store.js";

export function paySheet(key, message) {
  const bill = message.invoice;
  sheet((close) => content(key, message, bill, close), {
    label: bill?.title || t("pay"),
    className: "pay",
    test: "pay-sheet",
  });
}

function content(key, message, bill, close) {
  const button = h(
    "button",
    { class: "main-button", test: "pay-confirm", autofocus: true, onclick: () => pay(key, message, button, close) },
    t("pay_confirm", { n: bill?.total_amount ?? "" }),
  );
  return [
    h(
      "button",
      { class: "icon-button sheet-close", "aria-label": t("close"), test: "pay-cancel", onclick: close },
      icon("close"),
    ),
    h("div", { class: "pay-star" }, star(72)),
    h("h2", {}, bill?.title || t("pay")),
    h("p", { class: "sheet-text" }, bill?.description || ""),
    h("p", { class: "hint" }, botOf(key)?.title || ""),
    button,
    h("p", { class: "hint" }, t("pay_note")),
  ];
}

async function pay(key, message, button, close) {
  button.disabled = true;
  button.classList.add("busy");
  try {
    const { payment } = await api.pay(key, message.message_id);
    close();
    if (payment?.status === "declined") alertBox(payment.error_message || t("pay_declined"), t("pay_declined"));
    if (payment?.status === "expired") alertBox(t("pay_expired"), t("pay_declined"));
  } catch (error) {
    failed(error);
    button.disabled = false;
    button.classList.remove("busy");
  }
}
