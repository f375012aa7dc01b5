// The stand-in renders entities to HTML. The page still does not trust it: it rebuilds the tree from an
// allow-list, so a wrong escape on the server cannot run anything here.

const PLAIN = new Set(["B", "STRONG", "I", "EM", "U", "INS", "S", "STRIKE", "DEL", "CODE", "PRE", "BLOCKQUOTE", "BR"]);
const SAFE_LINK = /^(https?:\/\/|tg:\/\/)/i;

/** Return a DocumentFragment that holds only allowed elements; all else becomes its text. */
export function sanitize(html) {
  const parsed = new DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
  const out = document.createDocumentFragment();
  copy(parsed.body, out);
  return out;
}

function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE) copyElement(node, to);
  }
}

function copyElement(node, to) {
  if (node.tagName === "SCRIPT" || node.tagName === "STYLE") return;
  const clean = allowed(node);
  copy(node, clean || to);
  if (clean) to.append(clean);
}

function allowed(node) {
  if (PLAIN.has(node.tagName)) return plain(node);
  if (node.tagName === "A" && SAFE_LINK.test(node.getAttribute("href") || "")) return link(node);
  if (node.tagName === "TG-SPOILER" || (node.tagName === "SPAN" && node.classList.contains("tg-spoiler"))) {
    return spoiler();
  }
  return null;
}

function plain(node) {
  const clean = document.createElement(node.tagName);
  if (node.tagName === "BLOCKQUOTE" && node.hasAttribute("expandable")) clean.className = "expandable";
  return clean;
}

function link(node) {
  const clean = document.createElement("a");
  clean.href = node.getAttribute("href");
  clean.target = "_blank";
  clean.rel = "noopener noreferrer";
  return clean;
}

function spoiler() {
  const clean = document.createElement("span");
  clean.className = "tg-spoiler";
  clean.tabIndex = 0;
  clean.setAttribute("role", "button");
  return clean;
}
