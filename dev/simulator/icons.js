// Line icons on a 24-pixel grid, drawn for this page. One stroke style keeps them quiet beside the chat.

const PATHS = {
  branch: "M7 6.5v11M7 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 21.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM17 9.5a2 2 0 1 0 0-4" +
    " 2 2 0 0 0 0 4zM17 9.5c0 4-10 2-10 8",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.6 1.6 0 0 1-2.3-2.3l7.7-7.7",
  send: "M4 12L3 4.5 21 12 3 19.5 4 12zm0 0h8",
  keyboard: "M3 7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM7 9.5v.01M11 9.5v.01" +
    "M15 9.5v.01M7 13v.01M17 13v.01M11 13v.01M8.5 16h7",
  down: "M6 9.5l6 6 6-6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4" +
    "M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.2A8.2 8.2 0 1 1 9.8 4a6.6 6.6 0 0 0 10.2 10.2z",
  inspect: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.2M12 7.8v.01",
  panel: "M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5v13a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4" +
    " 18.5zM14.5 4v16",
  photo: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4" +
    " 17.5zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.2v.01",
  file: "M6 4.5A1.5 1.5 0 0 1 7.5 3H14l4 4v12.5A1.5 1.5 0 0 1 16.5 21h-9A1.5 1.5 0 0 1 6 19.5zM14 3v4h4",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  userplus: "M10 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM3.5 19.5c.7-3.2 3.2-5 6.5-5s5.8 1.8 6.5 5M19 7v6M16 10h6",
  sticker: "M12 3.5a8.5 8.5 0 1 0 8.5 8.5c-5 .8-9.3-3.5-8.5-8.5zM8.5 14.5c1.5 2 4 2.5 6 1",
  code: "M8.5 7L3.5 12l5 5M15.5 7l5 5-5 5",
  block: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12",
  copy: "M9 9.5A1.5 1.5 0 0 1 10.5 8h8A1.5 1.5 0 0 1 20 9.5v9a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 9 18.5z" +
    "M5.5 16A1.5 1.5 0 0 1 4 14.5v-9A1.5 1.5 0 0 1 5.5 4h9A1.5 1.5 0 0 1 16 5.5",
  replay: "M5 12a7 7 0 1 1 2.2 5.1M5 12V7M5 12h4.5",
  twice: "M8 5l6 7-6 7M14 5l6 7-6 7",
  edit: "M4 20l1-4.5L16 4.5a2 2 0 0 1 3.5 3.5L8.5 19z",
  play: "M8 5l11 7-11 7z",
  bolt: "M13 3L5 13.5h6L10 21l8-10.5h-6z",
  warning: "M12 4l9 16H3zM12 10v4.5M12 17.3v.01",
  queue: "M4 6h16M4 12h16M4 18h10",
  parts: "M5 5h14v5H5zM5 14h14v5H5zM8 7.5v.01M8 16.5v.01",
  log: "M5 5h14M5 9.5h14M5 14h9M5 18.5h6",
  message: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v9a1.5 1.5 0 0 1-1.5 1.5H10l-4.5 3.5V17A1.5 1.5 0" +
    " 0 1 4 15.5z",
  link: "M14 5h5v5M19 5l-8 8M10 6H6.5A1.5 1.5 0 0 0 5 7.5v10A1.5 1.5 0 0 0 6.5 19h10a1.5 1.5 0 0 0 1.5-1.5V14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  stop: "M7 7h10v10H7z",
  tick: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 7.5V12l3 2",
  contact: "M5 5h14v14H5zM12 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM8.5 16.5c.4-1.7 1.8-2.5 3.5-2.5s3.1.8 3.5 2.5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name, size = 24) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", `${size}`);
  svg.setAttribute("height", `${size}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.more);
  svg.append(path);
  return svg;
}

/** The Telegram star: a filled shape, so it is not one of the line icons. */
export function star(size = 20) {
  const svg = icon("more", size);
  svg.setAttribute("class", "star");
  svg.querySelector("path").setAttribute(
    "d",
    "M12 2.8l2.7 5.7 6.2.8c.9.1 1.2 1.1.6 1.7l-4.6 4.3 1.2 6.1c.2.9-.7 1.5-1.5 1.1L12 19.5l-4.6" +
      " 3c-.8.4-1.7-.2-1.5-1.1l1.2-6.1L2.5 11c-.6-.6-.3-1.6.6-1.7l6.2-.8z",
  );
  return svg;
}
