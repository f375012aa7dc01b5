// Every request of the page, in one place. Paths follow the control API that the tests drive too.

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function call(method, path, body) {
  const form = body instanceof FormData;
  const options = { method, headers: form || body === undefined ? {} : { "Content-Type": "application/json" } };
  if (body !== undefined) options.body = form ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw new ApiError(0, "offline", String(error.message || error));
  }
  const text = await response.text();
  const data = parse(text);
  if (response.ok) return data;
  const problem = data?.error || {};
  throw new ApiError(
    response.status,
    problem.code || "error",
    problem.message || text.slice(0, 300) || response.statusText,
  );
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const get = (path) => call("GET", path);
const post = (path, body = {}) => call("POST", path, body);
const chat = (key) => `/sim/chats/${key.replace(":", "/")}`;

export const api = {
  state: () => get("/sim/state"),
  chats: () => get("/sim/chats"),
  history: (key) => get(chat(key)),
  addUser: (user) => post("/sim/users", user),
  text: (key, text) => post(`${chat(key)}/text`, { text }),
  press: (key, message_id, data, old = false) => post(`${chat(key)}/press`, { message_id, data, ...(old && { old }) }),
  contact: (key) => post(`${chat(key)}/contact`),
  pay: (key, message_id) => post(`${chat(key)}/pay?wait=1`, { message_id }),
  edit: (key, message_id, text) => post(`${chat(key)}/edit`, { message_id, text }),
  stop: (key) => post(`${chat(key)}/stop`),
  block: (key) => post(`${chat(key)}/block`),
  unblock: (key) => post(`${chat(key)}/unblock`),
  update: (key, update) => post(`${chat(key)}/update`, update),
  upload(key, files, as, caption) {
    const form = new FormData();
    for (const file of files) form.append("files", file, file.name);
    form.append("as", as);
    if (caption) form.append("caption", caption);
    return call("POST", `${chat(key)}/upload`, form);
  },
  /** @returns {Promise<import("./store.js").Trace>} */
  trace: (bot, id) => get(`/sim/updates/${bot}/${id}`),
  replay: (bot, id, times = 1) => post(`/sim/updates/${bot}/${id}/replay`, { times, together: times > 1 }),
  calls: (bot = "", after = "") => get(`/sim/calls?bot=${encodeURIComponent(bot)}&after=${encodeURIComponent(after)}`),
  addFault: (fault) => post("/sim/faults", fault),
  clearFaults: (part = "", kind = "") => call("DELETE", `/sim/faults?part=${part}&kind=${kind}`),
  queue: () => get("/sim/queue"),
  tick: () => post("/sim/tick"),
  part: (name, action) => post(`/sim/parts/${name}/${action}`),
  branches: () => get("/sim/branches"),
  createBranch: (name) => post("/sim/branches", { name }),
  actOnBranch: (id, verb) => post(`/sim/branches/${id}/${verb}`),
  samples: () => get("/sim/samples"),
};
