// One Bot API call as a line that unfolds; shared by the trace and the log.

import { h } from "./dom.js";
import { ms } from "./format.js";
import { t } from "./i18n.js";
import { tree } from "./json.js";

export const isBad = (call) => Boolean(call.problems?.length || call.error || call.status >= 400 || call.ok === false);

export function callRow(call, bar) {
  const problems = call.problems || [];
  const fill = (box) => {
    if (box.childElementCount > 1) return;
    box.append(
      ...problems.map((text) =>
        h(
          "p",
          { class: "problem", test: "spec-problem" },
          `${t("problem")}: ${typeof text === "string" ? text : JSON.stringify(text)}`,
        )
      ),
      h("h4", {}, t("params")),
      tree(call.params ?? {}, 2),
      h("h4", {}, call.error ? t("error") : t("result")),
      tree(call.error ?? call.result ?? null, 2),
    );
  };
  return h(
    "details",
    {
      class: `call ${isBad(call) ? "bad" : ""}`,
      test: "call",
      "data-method": call.method,
      ontoggle: (event) => event.target.open && fill(event.target),
    },
    h(
      "summary",
      {},
      h("span", { class: `status ${isBad(call) ? "bad" : "good"}` }, call.status ?? "…"),
      h("b", { class: "cut" }, call.method),
      h("span", { class: "gist cut" }, gist(call)),
      call.fault && h("span", { class: "tag" }, call.fault),
      problems.length > 0 && h("span", { class: "status bad", title: t("problem") }, `! ${problems.length}`),
      h("span", { class: "took" }, ms(call.ms)),
      bar &&
        h(
          "span",
          { class: "bar" },
          h("i", { style: { left: `${bar.from * 100}%`, width: `${Math.max((bar.to - bar.from) * 100, 1.5)}%` } }),
        ),
    ),
  );
}

/** The few words that tell one sendMessage from another. */
function gist(call) {
  if (call.error) return String(call.error.description || call.error);
  const params = call.params || {};
  const text = params.text ?? params.caption ?? params.action ?? params.callback_query_id ?? params.file_id ?? "";
  return String(text).replaceAll("\n", " ").slice(0, 90);
}
