// The last requests that clients were not given what they asked for.

import { h, table } from "./dom.js";
import { ago, count } from "./format.js";
import { get } from "./data.js";

export const title = "Refusals";
export const topics = ["overview"];

const WORSE = new Set(["own fault", "bad content", "cut", "upstream out"]);

export async function load(signal) {
  return get("api/refusals", {}, signal);
}

export function render(state) {
  return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title),
    h("span", { class: "muted" }, count(state.count) + " since the start" + (state.count > state.kept ? "; the last " + state.kept + " are here" : ""))),
  h("section", { class: "card" }, state.refusals.length === 0
    ? h("p", { class: "empty" }, "Nothing was refused. What rules deny, what no upstream is configured for, what is used up and what came with a wrong digest is listed here.")
    : table(null, [["When"], ["What", "what"], ["Reason"], ["Request", "mono path"], ["Client", "agent", "from"]], state.refusals.map((one) => [
      ago(one.at),
      [h("span", { class: "tag " + (WORSE.has(one.kind) ? "bad" : "warn") }, one.kind), " ", h("span", { class: "muted nowrap" }, String(one.status))],
      one.reason || (one.kind === "cut" ? "the content failed in the middle of the answer" : "–"),
      one.method + " " + one.path + (one.namespace ? " (ns " + one.namespace + ")" : ""),
      [one.client, h("div", { class: "muted" }, one.userAgent)]]), { class: "stack" })));
}
