// The frame: which view is shown, keys that work everywhere, and what is live.

import { h, morph } from "./dom.js";
import { refreshTimes } from "./format.js";
import { known, listen, watch } from "./data.js";
import { parse, repositoryLink } from "./links.js";
import * as overview from "./overview.js";
import * as repositories from "./repositories.js";
import * as image from "./image.js";
import * as replication from "./replication.js";
import * as upstreams from "./upstreams.js";
import * as refusals from "./refusals.js";
import * as search from "./search.js";

const main = document.getElementById("main");
const LIVE = { overview, replication, upstreams };
const GO = { o: "", r: "repositories", p: "replication", u: "upstreams", f: "refusals" };
const STATES = { live: ["good", "live"], connecting: ["muted", "connecting"], lost: ["bad", "no connection"], paused: ["muted", "paused"] };

let leaving = new AbortController();
let stopListening = () => {};
let shown = null;

/** Shows what the address names. */
async function show(focus) {
  leaving.abort();
  leaving = new AbortController();
  stopListening();
  const signal = leaving.signal;
  const where = parse(location.hash);
  mark(where.part);
  searched(where);
  const waiting = setTimeout(() => main.setAttribute("aria-busy", "true"), 300);
  let node;
  try {
    node = await view(where, signal);
  } catch (e) {
    if (signal.aborted) {
      return;
    }
    node = failed(e, where);
  } finally {
    clearTimeout(waiting);
  }
  if (signal.aborted) {
    return;
  }
  main.removeAttribute("aria-busy");
  main.replaceChildren(node);
  shown = node;
  const heading = main.querySelector("h1");
  document.title = (heading ? heading.textContent + " – " : "") + "Entrepôt";
  if (focus) {
    window.scrollTo(0, 0);
    heading?.focus({ preventScroll: true });
  }
}

function failed(e, where) {
  const named = where.repository && where.repository + (where.reference ? (where.reference.includes(":") ? "@" : ":") + where.reference : "");
  const what = e.status === 404 ? "not known here" : "could not be shown";
  return h("div", {},
    where.repository ? h("p", { class: "crumbs" }, h("a", { href: "#/repositories" }, "Repositories"),
      where.reference && h("a", { href: repositoryLink(where.repository) }, where.repository)) : null,
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, named ? named + ": " + what : e.status === 404 ? "Not known here" : "This did not work")),
    h("p", { class: "notice bad-edge", role: "alert" }, e.message),
    h("p", { class: "next" }, h("button", { type: "button", on: { click: () => show(true) } }, "Try again"),
      where.repository && where.reference ? h("a", { href: repositoryLink(where.repository) }, "Tags of " + where.repository) : null,
      h("a", { href: "#/repositories" }, "All repositories")));
}

// The search box says what is shown, and nothing where that is no search; unless somebody types in it.
function searched(where) {
  const box = document.getElementById("search-text");
  if (where.part === "search") {
    box.value = where.parameters.get("text") ?? "";
  } else if (document.activeElement !== box) {
    box.value = "";
  }
}

async function view(where, signal) {
  switch (where.part) {
    case "repositories":
      if (where.repository && where.reference) {
        return image.render(where.repository, where.reference, signal);
      }
      return where.repository ? repositories.tags(where.repository, signal) : repositories.list(where.parameters, signal, remember);
    case "refusals": return refused(signal);
    case "search": return search.render(where.parameters.get("text") ?? "", signal);
    case "replication":
      if (where.run) {
        return run(where.run, signal);
      }
      return live(replication);
    default:
      return live(LIVE[where.part] ?? overview);
  }
}

// A view of what the events tell: made anew for each, and what differs is changed.
function live(part) {
  stopListening = listen((topic) => {
    if (part.topics.includes(topic) && shown?.isConnected) {
      shown = morph(shown, part.render());
    }
  });
  return part.render();
}

// A run that is under way is drawn anew with each event, and read again when there is another state of it.
async function run(id, signal) {
  let found = await replication.load(id, signal);
  if (found.outcome === "running") {
    stopListening = listen(async (topic) => {
      if (topic !== "replication" || found.outcome !== "running") {
        return;
      }
      const line = known.replication.runs.find((one) => String(one.run) === id);
      if (line?.outcome !== "running") {
        found = await replication.load(id, signal).catch(() => found);
      }
      if (!signal.aborted && shown?.isConnected) {
        shown = morph(shown, replication.run(found));
      }
    });
  }
  return replication.run(found);
}

async function refused(signal) {
  let last = known.overview?.refusals;
  stopListening = listen(async (topic) => {
    if (topic === "overview" && known.overview.refusals !== last) {
      last = known.overview.refusals;
      const state = await refusals.load(signal).catch(() => null);
      if (state && !signal.aborted) {
        shown = morph(shown, refusals.render(state));
      }
    }
  });
  return refusals.render(await refusals.load(signal));
}

// The state of a list goes into the address without a step in the history.
function remember(parameters) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  history.replaceState(null, "", "#/repositories" + (query.size ? "?" + query : ""));
}

function mark(part) {
  for (const link of document.querySelectorAll("#parts a")) {
    if (link.dataset.part === part) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

function frame(topic) {
  if (topic === "overview") {
    const now = known.overview;
    document.getElementById("version").textContent = now.version;
    const ready = document.getElementById("ready");
    ready.className = "dot " + (now.ready ? "good" : "bad");
    ready.textContent = now.ready ? "ready" : "not ready";
    ready.title = now.ready ? "Requests may be sent here" : now.reason;
  }
}

function state(name) {
  const live = document.getElementById("live");
  const [style, text] = STATES[name];
  live.className = style;
  if (live.textContent !== text) {
    live.textContent = text;
  }
}

const help = document.getElementById("help");
let going = 0;

function pressed(event) {
  const typing = event.target.closest("input, textarea, select");
  if (event.altKey || event.ctrlKey || event.metaKey || help.open || (typing && event.key !== "ArrowDown")) {
    return;
  }
  if (Date.now() - going < 1500 && event.key in GO) {
    going = 0;
    location.hash = "#/" + GO[event.key];
  } else if (event.key === "g") {
    going = Date.now();
  } else if (event.key === "/") {
    document.getElementById("search-text").focus();
  } else if (event.key === "?") {
    help.showModal();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!step(event.target, event.key === "ArrowDown" ? 1 : -1)) {
      return;
    }
  } else {
    return;
  }
  event.preventDefault();
}

// Up and down in the links of a list; down from above the list goes to its first.
function step(from, by) {
  const row = from.closest("[data-rows] tbody tr");
  if (!row) {
    const first = by > 0 && !from.closest("[role=tree]") ? main.querySelector("[data-rows] tbody a") : null;
    first?.focus();
    return first !== null && first !== undefined;
  }
  let next = row;
  do {
    next = by > 0 ? next.nextElementSibling : next.previousElementSibling;
  } while (next && !next.querySelector("a"));
  if (next) {
    next.querySelector("a").focus();
  } else if (by < 0) {
    main.querySelector(".tools input")?.focus();
  }
  return true;
}

document.addEventListener("keydown", pressed);
document.getElementById("help-button").addEventListener("click", () => help.showModal());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = "#/search?" + new URLSearchParams({ text: document.getElementById("search-text").value.trim() });
});
window.addEventListener("hashchange", () => show(true));
setInterval(refreshTimes, 10000);
listen(frame);
show(false);
watch(state);
