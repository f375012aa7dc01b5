// Files on their way in: chosen, dropped, pasted or taken from the samples; then one look before they go.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { size } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { shareContact } from "./keyboard.js";
import { failed, menu, sheet, toast } from "./overlay.js";
import { state } from "./store.js";

const ALBUM = 10; // Telegram's limit for one album
const isPicture = (file) => /^image\/(jpeg|png|webp|gif|bmp|avif)$/.test(file.type);
const isVisual = (file) => isPicture(file) || file.type.startsWith("video/");

export async function attachMenu(key, anchor) {
  const samples = await loadSamples();
  menu(
    anchor,
    [
      {
        label: t("photo_or_video"),
        icon: "photo",
        test: "attach-photo",
        run: () => choose(key, "photo", "image/*,video/*"),
      },
      { label: t("as_file"), icon: "file", test: "attach-file", run: () => choose(key, "document", "") },
      samples.length
        ? { label: t("samples"), icon: "bolt", test: "attach-samples", run: () => showSamples(key, samples) }
        : null,
      { label: t("my_contact"), icon: "contact", test: "attach-contact", run: () => shareContact(key) },
      { label: t("a_sticker"), icon: "sticker", test: "attach-sticker", run: () => sendSticker(key) },
    ].filter(Boolean),
  );
}

function choose(key, as, accept) {
  const input = h("input", { type: "file", multiple: true, accept, class: "off-screen", test: "file-input" });
  input.addEventListener("change", () => {
    input.remove();
    if (input.files.length) preview(key, [...input.files], as);
  });
  document.body.append(input);
  input.click();
}

/** The samples of the stand-in; an older stand-in has none, which only hides the entry. */
async function loadSamples() {
  if (state.samples) return state.samples;
  try {
    const answer = await api.samples();
    state.samples = Array.isArray(answer) ? answer : answer?.samples || [];
  } catch {
    state.samples = [];
  }
  return state.samples;
}

function showSamples(key, samples) {
  sheet(
    (close) => [
      h(
        "div",
        { class: "sheet-head" },
        h("h2", {}, t("samples")),
        h("button", { class: "icon-button", "aria-label": t("close"), onclick: close }, icon("close")),
      ),
      h(
        "div",
        { class: "sample-grid" },
        samples.map((sample) =>
          h("button", {
            class: "sample",
            test: "sample",
            title: sample.name,
            onclick: () => takeSample(key, sample, close),
          }, h("img", { src: sample.url, alt: sample.name, loading: "lazy" }))
        ),
      ),
    ],
    { label: t("samples"), className: "wide", test: "samples" },
  );
}

async function takeSample(key, sample, close) {
  try {
    const blob = await (await fetch(sample.url)).blob();
    close();
    preview(key, [new File([blob], sample.url.split("/").pop() || sample.name, { type: blob.type })], "photo");
  } catch {
    toast(t("samples_failed"), { kind: "bad" });
  }
}

/** A sticker drawn here: enough to see what a bot says to one. */
function sendSticker(key) {
  const canvas = h("canvas", { width: 512, height: 512 });
  const pen = canvas.getContext("2d");
  pen.font = "400px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText("🦊", 256, 290);
  canvas.toBlob(
    (blob) => upload(key, [new File([blob], "sticker.webp", { type: "image/webp" })], "sticker", ""),
    "image/webp",
  );
}

async function upload(key, files, as, caption) {
  try {
    await api.upload(key, files, as, caption);
  } catch (error) {
    failed(error);
  }
}

/** Look at the files, choose photo or file, add a caption, send. */
export function preview(key, chosen, as = "photo") {
  const files = chosen.slice(0, ALBUM);
  if (chosen.length > ALBUM) toast(t("too_many"));
  const urls = files.map((file) => URL.createObjectURL(file));
  const visual = files.every(isVisual);
  let mode = visual ? as : "document";
  const stage = h("div", { class: "stage" });
  const caption = h("textarea", {
    class: "caption-field",
    rows: 1,
    maxlength: 1024,
    test: "upload-caption",
    placeholder: t("caption"),
    "aria-label": t("caption"),
    autofocus: true,
  });
  const modes = h("div", { class: "segments", role: "radiogroup" });

  function draw() {
    replace(
      stage,
      mode === "photo"
        ? h(
          "div",
          { class: `thumbs n${Math.min(files.length, 4)}` },
          files.map((file, index) => thumb(file, urls[index])),
        )
        : files.map((file, index) => fileRow(file, urls[index])),
    );
    replace(modes, segment("photo", t("as_photo_short"), !visual), segment("document", t("as_file_short"), false));
  }

  const segment = (name, label, disabled) =>
    h("button", {
      role: "radio",
      "aria-checked": String(mode === name),
      disabled,
      test: `upload-as-${name}`,
      onclick: () => ((mode = name), draw()),
    }, label);

  sheet(
    (close) => {
      const go = () => {
        close();
        upload(key, files, wireKind(mode, files), caption.value.trim());
      };
      caption.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey) return;
        event.preventDefault();
        go();
      });
      draw();
      return [
        h(
          "div",
          { class: "sheet-head" },
          h("h2", {}, files.length > 1 ? t("files_n", { n: files.length }) : files[0].name),
          h(
            "button",
            { class: "icon-button", test: "upload-cancel", "aria-label": t("cancel"), onclick: close },
            icon("close"),
          ),
        ),
        stage,
        modes,
        h(
          "div",
          { class: "caption-row" },
          caption,
          h(
            "button",
            { class: "round-button send ready", test: "upload-send", "aria-label": t("send"), onclick: go },
            icon("send"),
          ),
        ),
      ];
    },
    {
      label: t("attach"),
      className: "upload",
      test: "upload-sheet",
      onclose: () => urls.forEach((url) => URL.revokeObjectURL(url)),
    },
  );
}

const wireKind = (
  mode,
  files,
) => (mode === "photo" && files.every((file) => file.type.startsWith("video/")) ? "video" : mode);
const thumb = (
  file,
  url,
) => (file.type.startsWith("video/") ? h("video", { src: url, muted: true }) : h("img", { src: url, alt: file.name }));

function fileRow(file, url) {
  return h(
    "div",
    { class: "document" },
    h(
      "span",
      { class: `file-badge ${isPicture(file) ? "has-image" : ""}` },
      icon("file", 22),
      isPicture(file) && h("img", { src: url, alt: "" }),
    ),
    h(
      "span",
      { class: "file-about" },
      h("span", { class: "file-name" }, h("span", { class: "cut" }, file.name)),
      h("span", { class: "file-size" }, size(file.size)),
    ),
  );
}

/** Two places to drop, as in Telegram: pressed as a photo or whole as a file. The column shows them while dragging. */
export function dropZones(key) {
  const zone = (as, label) =>
    h(
      "div",
      {
        class: "drop",
        test: `drop-${as}`,
        ondrop: (event) => dropped(event, as),
        ondragover: (event) => event.preventDefault(),
      },
      icon(as === "photo" ? "photo" : "file", 40),
      h("span", {}, label),
    );
  const box = h("div", { class: "drops" }, zone("photo", t("drop_photo")), zone("document", t("drop_file")));
  function dropped(event, as) {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const files = [...event.dataTransfer.files];
    if (files.length) preview(key, files, as);
  }
  return box;
}

/** Show the places while a file is over the page, and never let the browser open it instead. */
export function watchDragging() {
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => carries(event) && document.body.classList.toggle("dragging", ++depth > 0));
  addEventListener("dragleave", (event) => carries(event) && document.body.classList.toggle("dragging", --depth > 0));
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dragging");
  });
}
