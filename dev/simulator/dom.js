// The page has no framework: `h` builds elements, everything else is plain DOM.
// Text always goes through text nodes, so nothing a bot says can become markup.

/** h("button", {class: "x", test: "send", onclick: f}, "label", child) */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) set(element, name, value);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
  else if (name === "class") element.className = value;
  else if (name === "test") element.dataset.test = value;
  else if (name === "style" && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) element.style.setProperty(key, item);
  } else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

export const replace = (element, ...children) => {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
};

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Play a Web Animation unless the person asked for a calm page. */
export const animate = (
  element,
  frames,
  options,
) => (calm() || !element.animate ? null : element.animate(frames, options));

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));
