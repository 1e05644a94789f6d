// What the page knows: answers of the server, and the events that it sends.

/** What was last told of each topic: overview, upstreams, replication. */
export const known = {};

const listeners = new Set();
let source = null;
let later = 0;
let say = () => {};

/** Asks the server; throws an error whose message says what to do. */
export async function get(path, parameters, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== undefined && value !== null && value !== "") {
      query.set(name, value);
    }
  }
  let response;
  try {
    response = await fetch(path + (query.size ? "?" + query : ""), { signal, headers: { Accept: "application/json" } });
  } catch (e) {
    if (e.name === "AbortError") {
      throw e;
    }
    throw new Error("The server does not answer. Is it running, and can this machine reach its admin port?");
  }
  if (response.status === 401 || response.status === 403) {
    throw new Error("The server does not let you see this. Load the page again to sign in.");
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new Error("The answer of the server was cut off, or is none of its own (status " + response.status + "). Try again.");
  }
  if (!response.ok) {
    const error = new Error(body?.error ?? "The server answered with status " + response.status + ".");
    error.status = response.status;
    throw error;
  }
  return body;
}

/** Has a function called with the name of each topic of which there is news; returns what ends that. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function told(topic, value) {
  known[topic] = value;
  for (const listener of listeners) {
    listener(topic);
  }
}

function open() {
  clearTimeout(later);
  source?.close();
  say("connecting");
  source = new EventSource("api/events");
  source.addEventListener("open", () => say("live"));
  for (const topic of ["overview", "upstreams", "replication"]) {
    source.addEventListener(topic, (event) => told(topic, JSON.parse(event.data)));
  }
  for (const last of ["end", "full"]) {
    source.addEventListener(last, () => {
      source.close();
      retry(last === "full" ? 30000 : 3000);
    });
  }
  source.addEventListener("error", () => {
    say("lost");
    if (source.readyState === EventSource.CLOSED) {
      retry(10000);
    }
  });
}

// Without events the figures are asked for, now and then.
function retry(millis) {
  say("lost");
  clearTimeout(later);
  later = setTimeout(open, millis);
  for (const topic of ["overview", "upstreams", "replication"]) {
    get("api/" + topic).then((value) => told(topic, value), () => {});
  }
}

/** Begins to watch, while the page is visible. */
export function watch(state) {
  say = state;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      open();
    } else {
      clearTimeout(later);
      source?.close();
      say("paused");
    }
  });
  open();
}
