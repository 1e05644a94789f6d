// The graph of an image as far as it is kept: children, signatures, SBOMs, what refers to those, and blobs.

import { h, facts, table, copyButton } from "./dom.js";
import { ago, bytes, count, counted, short } from "./format.js";
import { get } from "./data.js";
import { kindOf, blobKind } from "./kinds.js";
import { repositoryLink } from "./links.js";
import { tree } from "./tree.js";

const MOST_OPEN = 80;

export async function render(repository, reference, signal) {
  const image = await get("api/image", { repository, reference }, signal);
  const name = repository + (reference.includes(":") ? "@" : ":") + reference;
  const detail = h("section", { class: "card detail", "aria-label": "Details of what is selected" });
  const beside = h("div", { class: "beside" }, detail);
  const narrow = matchMedia("(max-width: 1000px)");
  let chosen = null;
  narrow.addEventListener("change", () => place(chosen), { signal });
  const graph = items(image);
  const view = h("div", {},
    h("p", { class: "crumbs" }, h("a", { href: "#/repositories" }, "Repositories"), h("a", { href: repositoryLink(repository) }, repository)),
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, reference.includes(":") ? short(reference) : reference),
      h("span", { class: "muted" }, bytes(image.bytesKept) + " kept, of " + (image.manifestsKept < image.manifests.length ? "over " : "") + bytes(image.bytes))),
    image.cut ? h("p", { class: "notice" }, "This graph is larger than what is shown here; ", h("code", {}, "entrepot tree " + name), " shows all of it.") : null,
    h("section", { class: "card" }, facts("facts", [
      ["Reference", [h("span", { class: "mono" }, name), " ", copyButton(name, "the reference")]],
      ["Digest", h("span", { class: "mono" }, image.root)],
      ["Confirmed", image.checkedAt ? ["by the upstream ", ago(image.checkedAt)] : null],
      ["First seen", ago(image.firstSeenAt)],
      ["Manifests kept", count(image.manifestsKept) + " of " + count(image.manifests.length) + " known"],
      ["Blobs kept", count(image.blobsKept) + " of " + count(image.blobs)],
    ]), why(name)),
    h("div", { class: "image" }, h("section", { class: "card" }, h("h2", {}, "Graph"), tree("Graph of " + name, graph, (item, node) => {
      detail.replaceChildren(...item.show());
      place(node);
    })), beside));
  return view;

  // Beside the tree where there is room, else under the row that it is about.
  function place(node) {
    chosen = node;
    const row = node.querySelector(":scope > .row");
    if (narrow.matches) {
      row.after(detail);
    } else if (detail.parentElement !== beside) {
      beside.append(detail);
    }
  }
}

function items(image) {
  const nodes = new Map(image.manifests.map((node) => [node.digest, node]));
  let opened = 0;

  // With its content and what it lists, each once, without what refers to it: what a pull of it brings. What is not kept may have any content.
  function total(root) {
    const seen = new Set();
    const open = [root];
    let sum = 0;
    let whole = true;
    while (open.length) {
      const digest = open.pop();
      const node = nodes.get(digest);
      if (seen.has(digest)) {
        continue;
      }
      seen.add(digest);
      whole &&= Boolean(node?.kept);
      sum += node?.bytes ?? 0;
      for (const blob of node?.blobs ?? []) {
        sum += seen.has(blob.digest) ? 0 : blob.bytes;
        seen.add(blob.digest);
      }
      open.push(...(node?.children ?? []));
    }
    return (whole ? "" : "over ") + bytes(sum);
  }

  function manifest(digest, relation, above, suffix) {
    const node = nodes.get(digest);
    if (!node) {
      return leaf("Manifest", short(digest), "not shown", relation);
    }
    const { kind, note } = kindOf(node, suffix);
    const words = [note, node.platform].filter(Boolean).join(" ");
    if (above.includes(digest)) {
      return leaf(kind, words, "shown above", relation);
    }
    const path = [...above, digest];
    const size = node.kept ? total(digest) : "";
    const has = node.children.length + node.referrers.length + Object.keys(node.tags).length + node.blobs.length > 0;
    return {
      name: [kind, words, relation, node.artifactType, size, node.kept ? "" : "not kept"].filter(Boolean).join(", "),
      parts: [h("span", { class: "kind" }, kind), words && h("span", {}, words), relation && h("span", { class: "tag" }, relation),
        node.kept ? null : h("span", { class: "tag warn" }, "not kept"), node.pinned ? h("span", { class: "tag good" }, "pinned") : null,
        node.problem ? h("span", { class: "tag bad" }, "unreadable") : null,
        node.artifactType && kind !== "Image" ? h("span", { class: "type mono" }, node.artifactType) : null],
      size,
      gone: !node.kept,
      open: path.length <= 5 && ++opened <= MOST_OPEN,
      children: has ? () => below(node, path) : null,
      show: () => about(node, kind, words, relation, size),
    };
  }

  function below(node, path) {
    return [
      ...node.children.map((digest) => manifest(digest, "", path)),
      ...node.referrers.map((digest) => manifest(digest, "refers to it", path)),
      ...Object.entries(node.tags).map(([tag, digest]) => manifest(digest, "by tag", path, tag.slice(tag.lastIndexOf(".") + 1))),
      ...(node.blobs.length ? [blobs(node)] : []),
    ];
  }

  return manifest(image.root, "", []);
}

function leaf(kind, words, note, relation) {
  return {
    name: [kind, words, relation, note].filter(Boolean).join(", "),
    parts: [h("span", { class: "kind" }, kind), words && h("span", {}, words), h("span", { class: "tag" }, note)],
    children: null,
    show: () => [h("h2", {}, kind), h("p", {}, note)],
  };
}

function blobs(node) {
  const kept = node.blobs.filter((blob) => blob.kept).length;
  const all = node.blobs.reduce((total, blob) => total + blob.bytes, 0);
  const words = counted(node.blobs.length, "blob") + (kept < node.blobs.length ? ", " + count(kept) + " kept" : "");
  return {
    name: "Content, " + words + ", " + bytes(all),
    parts: [h("span", { class: "kind" }, "Content"), h("span", { class: "muted" }, words)],
    size: bytes(all),
    gone: kept === 0,
    children: () => node.blobs.map((blob, i) => {
      const kind = blobKind(blob, i === 0);
      return {
        name: [kind, blob.mediaType, bytes(blob.bytes), blob.kept ? "" : "not kept"].filter(Boolean).join(", "),
        parts: [h("span", { class: "kind" }, kind), blob.kept ? null : h("span", { class: "tag warn" }, "not kept"), h("span", { class: "type mono" }, blob.mediaType)],
        size: bytes(blob.bytes),
        gone: !blob.kept,
        children: null,
        show: () => [h("h2", {}, kind), facts("facts", [...common(blob, "Size")])],
      };
    }),
    show: () => [h("h2", {}, "Content"), facts("facts", [["Blobs", count(node.blobs.length)], ["Kept", count(kept)], ["Size", bytes(all)]]),
      kept < node.blobs.length ? h("p", { class: "muted" }, "What is not kept is fetched when a client asks for it.") : ""],
  };
}

function common(thing, what) {
  return [
    ["Digest", [h("span", { class: "mono" }, thing.digest), " ", copyButton(thing.digest, "the digest")]],
    ["Media type", h("span", { class: "mono" }, thing.mediaType)],
    [what, thing.kept || thing.bytes ? bytes(thing.bytes) : "not known"],
    ["Kept", thing.kept ? "yes" : h("span", { class: "warn" }, "no: nobody asked for it yet, or it was evicted")],
  ];
}

function about(node, kind, words, relation, size) {
  const tags = Object.keys(node.tags);
  return [h("h2", {}, kind + (words ? " " + words : "")), facts("facts", [
    ...common(node, "Manifest size"),
    ["Total size", size || "not known"],
    [kind === "Image" ? "Configuration" : "Artifact type", node.artifactType ? h("span", { class: "mono" }, node.artifactType) : null],
    ["Relation", relation === "by tag" ? "found by cosign's tag for it" : relation ? "names it as its subject" : null],
    ["Pinned", node.pinned ? "yes, never evicted" : null],
    ["Last used", ago(node.lastUsed)],
    ["Unreadable", node.problem],
    ["What refers to it", node.referrersAsOf ? [counted(node.referrers.length, "manifest") + ", by the upstream's answer ", ago(node.referrersAsOf)]
      : "not known: no client has asked yet"],
    ["Cosign's tags", tags.length ? count(tags.length) : null],
  ])];
}

// Asked for when it is opened: it says what a request would get, and asks no upstream either.
function why(name) {
  const body = h("div", {}, h("p", { class: "muted" }, "…"));
  const details = h("details", { id: "why", on: { toggle: async () => {
    if (!details.open || details.done) {
      return;
    }
    try {
      body.replaceChildren(...explained(await get("../explain", { ref: name })));
      details.done = true;
    } catch (e) {
      body.replaceChildren(h("p", { class: "notice bad-edge", role: "alert" }, e.message));
    }
  } } }, h("summary", {}, "Why: what a request would get now, and by which rule"), body);
  return details;
}

function outcome(one) {
  if (!one.error) return h("span", { class: "tag good" }, one.verdict);
  return [h("span", { class: "tag bad" }, String(one.status)), " " + one.error, one.head ? ["; a HEAD ", outcome(one.head)] : null];
}

function explained(found) {
  return [
    facts("facts long", [
      ["Now", outcome(found.now)],
      ["Asks the upstream", found.asks === "not" ? "no" : found.asks.replaceAll("_", " ")],
      ["Next check", found.nextCheck ? ago(found.nextCheck) : null],
      ...Object.entries(found.ifUpstreamIs).map(([cause, one]) => ["If upstream: " + cause.replaceAll("-", " "), outcome(one)]),
    ]),
    table(null, [["Setting"], ["Value", "", "value"], ["Rule", "", "rule"]], found.settings.map((one) => [one.setting, one.value,
      [one.rule, one.where ? h("div", { class: "muted" }, one.where) : null]]), { class: "stack" }),
  ];
}
