// Repositories by name, a page at a time, and the tags of one.

import { h, table } from "./dom.js";
import { ago, bytes, count, counted, short } from "./format.js";
import { get } from "./data.js";
import { listedKind } from "./kinds.js";
import { imageLink, repositoryLink } from "./links.js";

const PAGE = 50;

/** The list: a filter that is typed into, and pages. */
export async function list(parameters, signal, go) {
  let text = parameters.get("text") ?? "";
  let offset = Math.max(0, Number(parameters.get("offset")) || 0);
  const result = h("div", { "aria-live": "off" });
  const where = h("span", { class: "where muted", role: "status" });
  const before = h("button", { type: "button", on: { click: () => turn(-PAGE) } }, "Previous");
  const after = h("button", { type: "button", on: { click: () => turn(PAGE) } }, "Next");
  const last = h("button", { type: "button", on: { click: () => turn(Infinity) } }, "Last");
  const input = h("input", { type: "search", id: "filter", value: text, placeholder: "Part of a name", "aria-label": "Filter repositories by a part of their name",
    autocomplete: "off", spellcheck: "false", autocapitalize: "none", on: { input: () => { clearTimeout(typing); typing = setTimeout(filter, 200); } } });
  let typing = 0;
  let matching = 0;
  let asked = 0;

  async function turn(by) {
    offset = by === Infinity ? Math.floor(Math.max(0, matching - 1) / PAGE) * PAGE : Math.max(0, offset + by);
    await show();
    result.querySelector("a")?.focus();
  }

  function filter() {
    text = input.value;
    offset = 0;
    show();
  }

  async function show() {
    const mine = ++asked;
    try {
      const found = await get("api/repositories", { text, offset: offset || "", n: PAGE }, signal);
      if (mine === asked) {
        go({ text, offset: offset || "" });
        draw(found);
      }
    } catch (e) {
      if (e.name !== "AbortError" && mine === asked) {
        result.replaceChildren(h("p", { class: "notice bad-edge", role: "alert" }, e.message));
      }
    }
  }

  function draw(found) {
    matching = found.matching;
    offset = found.offset;
    const end = offset + found.repositories.length;
    where.textContent = (matching ? count(offset + 1) + "–" + count(end) + " of " + count(matching) : "none")
      + (matching < found.all ? " (" + count(found.all) + " in all)" : "") + (found.complete ? "" : "; there are more that are not listed");
    before.hidden = after.hidden = last.hidden = matching <= PAGE;
    before.disabled = offset === 0;
    after.disabled = last.disabled = end >= matching;
    result.replaceChildren(found.repositories.length ? rows(found.repositories) : nothing(found));
  }

  function nothing(found) {
    return found.all === 0
      ? h("p", { class: "empty" }, "Nothing is kept yet. A repository is listed here when a client has pulled from it; ",
        h("code", {}, "entrepot cache warm"), " brings images before they are asked for.")
      : h("p", { class: "empty" }, "No name contains “" + text + "”. ", h("a", { href: "#/search?" + new URLSearchParams({ text }) }, "Search tags and artifact types"), " for it?");
  }

  const found = await get("api/repositories", { text, offset: offset || "", n: PAGE }, signal);
  draw(found);
  return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Repositories")),
    h("section", { class: "card" }, h("div", { class: "tools" }, input), result,
      h("div", { class: "pager" }, before, after, last, where)));
}

function rows(list) {
  return table(null, [["Name"], ["Tags", "num"], ["Manifests", "num wide"], ["Blobs", "num wide"], ["Kept", "num"], ["Last used", "num wide"]],
    list.map((one) => [h("a", { href: repositoryLink(one.repository) }, one.repository), count(one.tags), count(one.manifests), count(one.blobs),
      (one.atLeast ? "over " : "") + bytes(one.bytes), one.lastUsed ? ago(one.lastUsed) : "–"]));
}

/** The tags of a repository. */
export async function tags(repository, signal) {
  let text = "";
  let all = "";
  let next;
  let typing = 0;
  let asked = 0;
  let answered = 0;
  const lines = [];
  const result = h("div", {});
  const more = h("button", { type: "button", on: { click: async () => { if (answered < asked) { return; } const shown = lines.length; await again(false); result.querySelectorAll("tbody a")[shown]?.focus(); } } }, "Show more");
  const pager = h("div", { class: "pager" }, more);
  const input = h("input", { type: "search", placeholder: "Part of a tag", "aria-label": "Filter tags by a part of their name", autocomplete: "off", spellcheck: "false",
    autocapitalize: "none", on: { input: () => { clearTimeout(typing); typing = setTimeout(() => { text = input.value; again(true); }, 200); } } });
  const box = h("input", { type: "checkbox", on: { change: () => { all = box.checked ? "true" : ""; again(true); } } });

  // Of several answers under way only that to the last question counts, in whichever order they come. Before it there
  // is nothing of which more could be shown.
  async function load(anew) {
    const mine = ++asked;
    let found;
    try {
      found = await get("api/tags", { repository, text, all, after: anew ? "" : next, n: PAGE }, signal);
    } finally {
      answered = Math.max(answered, mine);
    }
    if (mine === asked) {
      if (anew) {
        lines.length = 0;
      }
      lines.push(...found.tags);
      next = found.next;
      draw();
    }
    return found;
  }

  async function again(anew) {
    const mine = asked + 1;
    try {
      await load(anew);
    } catch (e) {
      if (e.name !== "AbortError" && mine === asked) {
        result.replaceChildren(h("p", { class: "notice bad-edge", role: "alert" }, e.message));
      }
    }
  }

  function draw() {
    pager.hidden = !next;
    result.replaceChildren(lines.length === 0
      ? h("p", { class: "empty" }, text ? "No tag that is known here contains “" + text + "”." : "No tag of this repository is known here; it was asked for by digest only.")
      : table(null, [["Tag"], ["Digest", "mono wide"], ["Confirmed", "num"], ["First seen", "num wide"], ["Is", "num"]], lines.map((one) => [
        h("a", { href: imageLink(repository, one.tag) }, one.tag),
        h("span", { title: one.digest }, short(one.digest)),
        ago(one.checkedAt), ago(one.firstSeenAt),
        one.kept ? h("span", { class: "tag" }, listedKind(one) || "kept") : h("span", { class: "tag warn" }, "not kept")])));
  }

  const found = await load(true);
  const line = found.repository;
  if (line.tags === 0 && line.manifests === 0 && line.blobs === 0 && lines.length === 0) {
    const error = new Error("Nothing is known here of " + repository + ". It is listed once a client has pulled from it.");
    error.status = 404;
    throw error;
  }
  return h("div", {}, h("p", { class: "crumbs" }, h("a", { href: "#/repositories" }, "Repositories")),
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, repository),
      h("span", { class: "muted" }, (line.atLeast ? "over " : "") + bytes(line.bytes) + " kept in " + counted(line.manifests, "manifest") + " and " + counted(line.blobs, "blob"))),
    h("section", { class: "card" }, h("h2", {}, "Tags known here"),
      h("div", { class: "tools" }, input, h("label", { class: "check" }, box, "with those that stand for signatures"),
        found.upstreamListAsOf ? h("span", { class: "muted" }, "the upstream's own list was read ", ago(found.upstreamListAsOf)) : null),
      result, pager),
    found.manifests.length ? h("section", { class: "card" }, h("h2", {}, "Manifests last used, tagged or not"),
      table(null, [["Digest", "mono nowrap"], ["Is", "whole"], ["Manifest size", "num wide"], ["Last used", "num"]], found.manifests.map((one) => [
        h("a", { href: imageLink(repository, one.digest), title: one.digest }, short(one.digest)), listedKind(one), bytes(one.bytes), ago(one.lastUsed)]))) : null);
}

