// Search over names, tags and artifact types; or for a digest.

import { h, table } from "./dom.js";
import { ago, short } from "./format.js";
import { get } from "./data.js";
import { imageLink, repositoryLink } from "./links.js";

export async function render(text, signal) {
  if (text.trim().length < 2) {
    return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Search")),
      h("p", { class: "empty" }, "Type two characters or more: a part of a name, of a tag (", h("code", {}, "alpine:3.2"), " for both), of an artifact type (",
        h("code", {}, "spdx"), "), or a whole digest."));
  }
  const found = await get("api/search", { text }, signal);
  const parts = [
    part("Repositories", found.repositories, (list) => table(null, [["Name"]], list.map((one) => [h("a", { href: repositoryLink(one.repository) }, one.repository)]))),
    part("Tags", found.tags, (list) => table(null, [["Image"], ["Digest", "mono wide"], ["Confirmed", "num"]], list.map((one) => [
      h("a", { href: imageLink(one.repository, one.tag) }, one.repository + ":" + one.tag), h("span", { title: one.digest }, short(one.digest)), ago(one.checkedAt)]))),
    part("Artifact types, in the lists of referrers that are kept", found.artifacts, (list) => table(null, [["Type"], ["Of", "", "of"], ["Artifact", "mono", "artifact"]], list.map((one) => [
      one.artifactType, h("a", { href: imageLink(one.repository, one.subject), title: one.subject }, one.repository + "@" + short(one.subject)),
      h("a", { href: imageLink(one.repository, one.digest) }, one.digest)]), { class: "stack" })),
    part("Repositories that have it", found.having, (list) => table(null, [["Image"]], list.map((one) => [
      h("a", { href: imageLink(one.repository, one.digest), title: one.digest }, one.repository + "@" + short(one.digest))]))),
  ].filter(Boolean);
  return h("div", {}, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Search for “" + text + "”")),
    parts.length ? parts : h("p", { class: "empty" }, "Nothing that is known here matches. Only what clients have asked for is known; names are searched as they are, ",
      "artifact types where clients have asked for referrers."));
}

function part(name, found, draw) {
  if (!found || found.found.length === 0) {
    return found && !found.complete ? h("p", { class: "muted" }, name + ": not all were looked at, there are too many; none of those matched.") : null;
  }
  return h("section", { class: "card" }, h("h2", {}, name), draw(found.found),
    found.complete ? null : h("p", { class: "muted" }, "There may be more; a longer text finds fewer."));
}
