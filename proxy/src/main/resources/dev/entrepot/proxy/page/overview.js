// Figures of everything, live.

import { h, svg, facts, table } from "./dom.js";
import { ago, bytes, count, counted, percent, since } from "./format.js";
import { known } from "./data.js";
import { inOrder, quotaLine, stateOf } from "./upstreams.js";
import { worst } from "./replication.js";

const SHOWN = 12;

const VERDICTS = [
  ["hit", "Hit", "kept, and served at once"],
  ["revalidated", "Revalidated", "kept, after the upstream said that it is current"],
  ["joined", "Joined", "read along behind another client's fetch"],
  ["stale", "Stale", "kept, because the upstream is out or too slow"],
  ["cooled", "Cooled", "what the tag named before, by a rule"],
  ["miss", "Miss", "fetched for this request"],
];

export const title = "Overview";
export const topics = ["overview", "upstreams", "replication"];

export function render() {
  const overview = known.overview;
  if (!overview) {
    return h("div", { "aria-busy": "true" }, head(), h("p", { class: "muted" }, "Waiting for the first figures…"));
  }
  return h("div", {}, head(overview),
    overview.ready ? null : h("p", { class: "notice bad-edge", role: "alert" }, "Not ready: " + overview.reason),
    overview.remarks.map((remark) => h("p", { class: "notice" }, remark)),
    h("div", { class: "columns" },
      h("div", {}, clients(overview.traffic), h("div", { class: "halves" }, upstreams(), replication())),
      h("div", {}, disk(overview.disk), fills(overview))));
}

function head(overview) {
  return h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title),
    overview && h("span", { class: "muted" }, "counting for ", since(overview.started)));
}

const sum = (byVerdict) => Object.values(byVerdict).reduce((a, b) => a + b, 0);

function clients(traffic) {
  const requests = sum(traffic.requests);
  const size = sum(traffic.bytes);
  return h("section", { class: "card" }, h("h2", {}, "Hit ratio ", h("span", { class: "of" }, "what clients got without a fetch of their own")),
    h("div", { class: "big" },
      h("div", {}, h("span", { class: "number", id: "hit-bytes" }, percent(size - traffic.bytes.miss, size)),
        h("span", { class: "what" }, "of " + bytes(size) + " in bytes")),
      h("div", {}, h("span", { class: "number", id: "hit-requests" }, percent(requests - traffic.requests.miss, requests)),
        h("span", { class: "what" }, "of " + counted(requests, "answer")))),
    requests === 0 ? h("p", { class: "empty" }, "No client has asked for anything yet. ",
      h("code", {}, "entrepot client-config containerd"), " prints how to point a client here.")
      : [stacked(traffic.bytes, size, "bytes"),
        table(null, [["From"], ["Answers", "num"], ["Bytes", "num"], ["Share of bytes", "num wide"], ["", "muted wide"]],
          VERDICTS.map(([verdict, name, meaning]) => [[h("span", { class: "swatch v-" + verdict }), name],
            count(traffic.requests[verdict]), bytes(traffic.bytes[verdict]), percent(traffic.bytes[verdict], size), meaning])),
        chart(traffic.minutes)]);
}

function stacked(values, whole, what) {
  const label = VERDICTS.map(([verdict, name]) => name + " " + percent(values[verdict], whole)).join(", ");
  return h("div", { class: "bar", role: "img", "aria-label": "Share of " + what + ": " + label },
    VERDICTS.map(([verdict]) => h("span", { class: "v-" + verdict, hidden: !values[verdict], "width%": whole ? (100 * values[verdict]) / whole : 0 })));
}

function chart(minutes) {
  const most = Math.max(1, ...minutes.map((minute) => minute[2]));
  const all = minutes.reduce((total, minute) => total + minute[2], 0);
  const kept = minutes.reduce((total, minute) => total + minute[3], 0);
  const bars = minutes.flatMap((minute, i) => [
    svg("rect", { class: "all", x: i * 10 + 1, width: 8, y: 100 - (100 * minute[2]) / most, height: (100 * minute[2]) / most }),
    svg("rect", { class: "kept", x: i * 10 + 1, width: 8, y: 100 - (100 * minute[3]) / most, height: (100 * minute[3]) / most })]);
  const label = "The last hour, in bytes for each minute: " + bytes(all) + ", of which " + percent(kept, all) + " without a fetch of their own";
  return [h("div", { class: "chart-head" }, h("span", {}, "Bytes in each minute of the last hour"),
    h("span", { class: "nowrap" }, h("span", { class: "swatch v-hit" }), "without a fetch of their own"), h("span", { class: "nowrap" }, h("span", { class: "swatch v-miss" }), "miss")),
  svg("svg", { class: "chart", viewBox: "0 0 600 101", preserveAspectRatio: "none", role: "img", "aria-label": label },
    bars, svg("line", { class: "base", x1: 0, x2: 600, y1: 100.5, y2: 100.5 })),
  h("div", { class: "chart-foot" }, h("span", {}, "an hour ago"),
    h("span", {}, "most in a minute: " + bytes(most === 1 && all === 0 ? 0 : most)), h("span", {}, "now"))];
}

function disk(disk) {
  const share = disk.capacityBytes ? disk.usedBytes / disk.capacityBytes : 0;
  const tight = disk.freeBytes < disk.minFreeBytes;
  return h("section", { class: "card" }, h("h2", {}, "Disk"),
    h("div", { class: "big" }, h("div", {}, h("span", { class: "number" }, bytes(disk.usedBytes)),
      h("span", { class: "what" }, "of " + bytes(disk.capacityBytes) + ", " + percent(disk.usedBytes, disk.capacityBytes)))),
    h("div", { class: tight ? "meter tight" : "meter" }, h("span", { "width%": Math.min(100, 100 * share) })),
    facts("figures", [
      ["Content", bytes(disk.contentBytes) + " in " + counted(disk.storedCount, "piece")],
      ["Pinned", bytes(disk.pinnedBytes)],
      ["Coming, or cut off", bytes(disk.comingBytes)],
      ["Quarantine", bytes(disk.quarantineBytes)],
      ["Reserve (ballast)", bytes(disk.ballastBytes)],
      ["Evicted", counted(disk.evictions, "eviction") + ", " + bytes(disk.evictedBytes)],
      ["Eviction begins at", bytes(disk.highBytes)],
      ["File system has left", h("span", { class: tight ? "warn" : null }, bytes(disk.freeBytes) + (tight ? ", too little" : ""))],
    ]));
}

function fills(overview) {
  const fills = overview.fills;
  const stale = sum(fills.stale);
  const rules = Object.entries(fills.rules).filter(([, number]) => number > 0);
  return h("section", { class: "card" }, h("h2", {}, "Now, and since the start"),
    facts("figures", [
      ["Requests running", count(overview.traffic.active)],
      ["Blob fetches running", count(fills.active)],
      ["Blob fetches begun", count(fills.begun)],
      ["Blob fetches failed", h("span", { class: fills.failed ? "warn" : null }, count(fills.failed))],
      ["Readers that joined one", count(fills.joined)],
      ["Blobs fetched", bytes(fills.fetchedBytes)],
      ["Served stale", h("span", { class: stale ? "warn" : null }, count(stale))],
      ["Not kept for want of disk", fills.degraded ? count(fills.degraded) : null],
      ["Refused", h("a", { href: "#/refusals" }, count(overview.refusals))],
      ...rules.map(([name, number]) => ["By rules: " + name.replaceAll("-", " "), count(number)]),
    ]));
}

function upstreams() {
  const list = known.upstreams?.upstreams ?? [];
  const asked = inOrder(list).filter((one) => one.reachable !== undefined);
  const others = list.length - Math.min(asked.length, SHOWN);
  return h("section", { class: "card" }, h("h2", {}, h("a", { href: "#/upstreams" }, "Upstreams")),
    list.length === 0 ? h("p", { class: "empty" }, "No upstream is configured. Add one under ", h("code", {}, "upstreams"), ".")
      : [asked.length ? table(null, [["Name"], ["State"], ["Pulls left", "num"]], asked.slice(0, SHOWN).map((one) => {
        const [style, text] = stateOf(one);
        return [one.name, h("span", { class: "dot " + style }, text), one.quotas.length ? one.quotas.map(quotaLine) : h("span", { class: "muted" }, "no limit seen")];
      })) : null,
      others > 0 && h("p", { class: "muted" }, asked.length > SHOWN ? counted(others, "other") : counted(others, asked.length ? "other" : "upstream") + ", not asked yet")]);
}

function replication() {
  const state = known.replication;
  const rules = state?.rules ?? [];
  return h("section", { class: "card" }, h("h2", {}, h("a", { href: "#/replication" }, "Replication")),
    rules.length === 0 ? h("p", { class: "empty muted" }, "No rules.")
      : table(null, [["Rule"], ["Lag", "num"], ["Missing", "num"]], rules.slice(0, 12).map((rule) => {
        const at = worst(rule);
        return [[h("a", { href: "#/replication" }, rule.rule), rule.progress ? [" ", h("span", { class: "tag" }, "running")] : null],
          at.completeSince === undefined ? h("span", { class: "muted" }, "never complete") : since(at.completeSince),
          at.missing === undefined ? "–" : h("span", { class: at.missing ? "warn" : null }, count(at.missing))];
      })));
}
