// How the upstreams are, as far as requests of clients have shown.

import { h, facts, table } from "./dom.js";
import { ago, count, counted, duration, percent } from "./format.js";
import { known } from "./data.js";

export const title = "Upstreams";
export const topics = ["upstreams"];

/** [style, word] of an upstream. */
export function stateOf(one) {
  const open = Object.values(one.breakers).some((breaker) => breaker.state !== "closed");
  if (one.reachable === undefined) {
    return ["muted", "not asked yet"];
  }
  if (!one.reachable) {
    return ["bad", "does not answer"];
  }
  return open ? ["warn", "partly left alone"] : ["good", "answers"];
}

/** Those with something wrong first, those that nobody asked yet last. */
export function inOrder(list) {
  const rank = { bad: 0, warn: 1, good: 2, muted: 3 };
  return [...list].sort((a, b) => rank[stateOf(a)[0]] - rank[stateOf(b)[0]]);
}

/** What is left of a quota, in a few words. */
export function quotaLine(quota) {
  if (quota.stoppedUntil) {
    return h("div", { class: "bad" }, "used up");
  }
  if (quota.remaining === undefined) {
    return h("div", { class: "muted" }, "unknown");
  }
  const low = quota.remaining <= (quota.reserve ?? 0);
  return h("div", { class: low ? "warn" : null }, count(quota.remaining) + (quota.limit ? " of " + count(quota.limit) : ""));
}

export function render() {
  const upstreams = known.upstreams?.upstreams;
  return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title),
    h("span", { class: "muted" }, "as seen by requests; ", h("code", {}, "entrepot upstreams"), " asks each one")),
    !upstreams ? h("p", { class: "muted" }, "Waiting for the first figures…")
      : upstreams.length === 0 ? h("p", { class: "empty" }, "No upstream is configured. Add one under ", h("code", {}, "upstreams"), " and start again.")
        : shown(inOrder(upstreams)));
}

// Of those that nobody asked there is nothing to say but how they are configured.
function shown(upstreams) {
  const quiet = upstreams.filter((one) => one.reachable === undefined && one.quotas.length === 0);
  const others = upstreams.filter((one) => !quiet.includes(one));
  return [others.length ? h("div", { class: "grid even" }, others.map(card)) : null,
    quiet.length ? h("section", { class: "card", "data-key": "quiet" }, h("h2", {}, "Not asked yet"),
      table(null, [["Name"], ["Address", "mono"], ["Account", "", "account"]], quiet.map((one) => [one.name, one.url, account(one)]), { class: "stack" })) : null];
}

function account(one) {
  return one.account + (one.authentication === "none" ? "" : " (" + one.authentication + ")");
}

function card(one) {
  const [style, text] = stateOf(one);
  const tooMany = Object.entries(one.tooManyRequests).filter(([, number]) => number > 0);
  return h("section", { class: "card w6", "data-key": one.name }, h("h2", {}, one.name),
    facts("facts", [
      ["State", h("span", { class: "dot " + style }, text)],
      ["Address", h("span", { class: "mono" }, one.url)],
      ["Account", account(one)],
      ["Last answer", ago(one.answeredAt)],
      ["Last outage", ago(one.failedAt)],
      [one.reachable === false ? "Problem" : "Last error", one.problem ?? one.lastError],
      ["Referrers API", one.referrersApi === undefined ? null : one.referrersApi ? "yes" : "no, fallback tags are read"],
      ["Left alone", leftAlone(one)],
      ["Too many requests", tooMany.map(([kind, number]) => counted(number, "time") + " (" + kind + ")").join(", ")],
    ]), one.quotas.map(quota));
}

// After outages, by kind of request; and after answers of 429, by what they were about.
function leftAlone(one) {
  const open = Object.entries(one.breakers).filter(([, breaker]) => breaker.state !== "closed");
  const refused = Object.entries(one.leftAloneUntil);
  const lines = [
    ...open.map(([kind, breaker]) => h("div", { class: "warn" }, kind + ": " + breaker.state, breaker.until ? [" until ", ago(breaker.until)] : null)),
    ...refused.map(([kind, until]) => h("div", { class: "warn" }, "after a 429 (" + kind + ") until ", ago(until)))];
  return lines.length ? lines : null;
}

function quota(one) {
  const whole = one.limit ?? 0;
  const left = one.stoppedUntil ? 0 : one.remaining;
  const low = left !== undefined && left <= (one.reserve ?? 0);
  return h("div", {}, h("h3", {}, "Pulls of " + one.account),
    whole && left !== undefined ? h("div", { class: low ? "meter tight" : "meter" }, h("span", { "width%": Math.min(100, (100 * left) / whole) })) : null,
    facts("facts", [
      ["Left", left === undefined ? h("span", { class: "muted" }, "unknown") : h("span", { class: low ? "warn" : null },
        count(left) + (whole ? " of " + count(whole) + " (" + percent(left, whole) + ")" : "") + (one.windowSeconds ? ", per " + duration(one.windowSeconds) : ""))],
      ["Kept for clients", one.reserve === undefined ? null : counted(one.reserve, "pull")],
      ["Forecast", one.forecast === "used-up" ? ["used up ", ago(one.usedUpAt)] : one.forecast === "lasts" ? "lasts at the present rate" : "not known yet"],
      ["Stopped until", ago(one.stoppedUntil)],
      ["New pulls", ago(one.reset)],
      ["Seen", ago(one.seenAt)],
    ]));
}
