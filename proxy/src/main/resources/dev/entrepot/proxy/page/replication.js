// Replication rules with their lag, runs with their progress.

import { h, facts, table } from "./dom.js";
import { ago, bytes, count, counted, duration, percent, rate, since } from "./format.js";
import { known, get } from "./data.js";

export const title = "Replication";
export const topics = ["replication"];

/** Of all targets of a rule, the one that was complete longest ago, and what is missing; neither is known before there was a run, the first not if one target was never complete. */
export function worst(rule) {
  const times = rule.targets.map((target) => target.completeSince);
  const missing = rule.targets.map((target) => target.missing).filter((number) => number !== undefined);
  return {
    completeSince: times.includes(undefined) ? undefined : times.reduce((a, b) => (new Date(a) < new Date(b) ? a : b)),
    missing: missing.length ? missing.reduce((a, b) => a + b, 0) : undefined,
  };
}

export function render() {
  const state = known.replication;
  return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title)),
    !state ? h("p", { class: "muted" }, "Waiting for the first figures…")
      : [state.rules.length === 0
        ? h("p", { class: "empty" }, "There are no rules. One under ", h("code", {}, "replication.rules"), " copies repositories to other registries by a schedule; ",
          h("code", {}, "entrepot plan RULE"), " shows what it would do, and changes nothing.")
        : h("div", { class: "grid even" }, state.rules.map(card)),
      state.copies.length ? h("section", { class: "card" }, h("h2", {}, "Copies of single images"), state.copies.map((copy) =>
        h("div", {}, h("h3", {}, copy.name), progress(copy.progress)))) : null,
      runs(state)]);
}

function card(rule) {
  return h("section", { class: "card w6", "data-key": rule.rule }, h("h2", {}, rule.rule),
    facts("facts", [
      ["From", rule.source],
      ["Next run", rule.next ? ago(rule.next) : "when somebody asks"],
      ["Last complete", rule.lastSuccess ? ago(rule.lastSuccess) : "never"],
    ]),
    table(null, [["Target"], ["Lag", "num", "lag"], ["Missing", "num", "missing"], ["Complete", "num", "complete"]], rule.targets.map((target) => [
      target.target,
      target.completeSince === undefined ? h("span", { class: "muted" }, "–") : since(target.completeSince),
      target.missing === undefined ? "–" : h("span", { class: target.missing ? "warn" : null }, count(target.missing)),
      target.ratio === undefined ? h("span", { class: "muted" }, "no run yet") : percent(target.ratio, 1)]), { class: "stack" }),
    rule.progress ? progress(rule.progress) : h("p", { class: "muted" }, "Not running. ", h("code", {}, "entrepot sync " + rule.rule), " runs it now."));
}

function progress(now) {
  const byBytes = now.bytes > 0 && now.movedBytes <= now.bytes;
  return h("div", { class: "running" },
    now.images || now.bytes ? h("progress", { max: byBytes ? now.bytes : Math.max(1, now.images), value: byBytes ? now.movedBytes : now.done, "aria-label": "Progress" })
      : h("progress", { "aria-label": "Progress" }),
    h("p", {}, "Running: " + [now.images || !now.bytes ? count(now.done) + " of " + counted(now.images, "image") + (now.failed ? " (" + count(now.failed) + " failed)" : "") : "",
      bytes(now.movedBytes) + " of " + bytes(now.bytes), rate(now.bytesPerSecond),
      now.secondsLeft === undefined ? "" : duration(now.secondsLeft) + " left"].filter(Boolean).join(", ")));
}

const OUTCOMES = { complete: "good", partly: "warn", failed: "bad", interrupted: "warn" };

function outcome(run) {
  return h("span", { class: "tag " + (OUTCOMES[run.outcome] ?? "") }, run.outcome);
}

/** How far a run has come, if it is under way. */
function progressOf(run, rules) {
  return run.outcome === "running" ? rules?.find((rule) => rule.rule === run.rule)?.progress : undefined;
}

function runs(state) {
  const list = state.runs;
  return h("section", { class: "card" }, h("h2", {}, "Last runs"),
    list.length === 0 ? h("p", { class: "empty muted" }, "Nothing has run yet.")
      : table(null, [["Run"], ["Rule"], ["Outcome"], ["Began", "", "began"], ["Took", "num", "took"], ["Copied", "num", "copied"], ["Failed", "num", "failed"], ["Sent", "num", "sent"]],
        list.map((run) => line(run, progressOf(run, state.rules))), { class: "stack" }));
}

// What a run did is in its report, which it has when it has ended; before, its progress says what was sent.
function line(run, now) {
  return [h("span", {}, h("a", { href: "#/replication/runs/" + run.run }, "run " + run.run), run.roundOf ? " (round of " + run.roundOf + ")" : null), run.rule, outcome(run), ago(run.started),
    run.ended ? duration((new Date(run.ended) - new Date(run.started)) / 1000) : "–",
    run.targets ? total(run, "copied") : "–", run.targets ? total(run, "failed") : now ? count(now.failed) : "–",
    run.targets ? bytes(run.targets.reduce((all, target) => all + target.done.bytes, 0)) : now ? bytes(now.movedBytes) : "–"];
}

function total(run, name) {
  return count(run.targets.reduce((all, target) => all + target[name], 0));
}

/** What is known of one run. */
export async function load(id, signal) {
  return get("api/runs/" + encodeURIComponent(id), {}, signal);
}

/** One run. */
export function run(found) {
  const now = progressOf(found, known.replication?.rules);
  const failed = (found.targets ?? []).reduce((all, target) => all + target.failed, 0);
  const rest = found.failures.length < failed ? " (" + count(found.failures.length) + " of " + count(failed) + ")" : "";
  return h("div", {}, h("p", { class: "crumbs" }, h("a", { href: "#/replication" }, "Replication")),
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Run " + found.run + " of " + found.rule), outcome(found)),
    h("section", { class: "card" }, facts("facts", [
      ["Trigger", found.trigger + (found.roundOf ? ", a round of run " + found.roundOf : "")], ["Began", ago(found.started)], ["Ended", found.ended ? ago(found.ended) : "not yet"],
      ["Failed because", found.failure?.cause]]),
    found.targets ? table(null, [["Target"], ["Copied", "num", "copied"], ["Up to date", "num", "up to date"], ["Skipped", "num", "skipped"], ["Pruned", "num", "pruned"],
      ["Failed", "num", "failed"], ["Sent", "num", "sent"], ["Requests", "num", "requests"]], found.targets.map((target) => [target.target, count(target.copied), count(target.upToDate),
      count(target.skipped), count(target.pruned), count(target.failed), bytes(target.done.bytes), count(target.requests)]), { class: "stack" }) : now ? progress(now) : null),
    (found.warnings ?? []).map((warning) => h("p", { class: "notice" }, warning)),
    found.failures.length ? h("section", { class: "card" }, h("h2", {}, "Not moved" + rest),
      table(null, [["Image"], ["Target", "", "to"], ["Why", "", "why"]], found.failures.map((item) => [item.repository + ":" + item.tag, item.target,
        item.failure?.cause ?? item.reason ?? ""]), { class: "stack" })) : found.outcome === "complete" ? h("p", { class: "muted" }, counted(found.items ?? 0, "tag") + " changed; nothing failed.") : null);
}
