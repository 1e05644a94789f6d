// Addresses within the page: #/repositories/HOST/NAME/tags/TAG. Names are read from the right, since a name may have parts that are called tags.

/** The tags of a repository. */
export function repositoryLink(repository) {
  return "#/repositories/" + encodeURI(repository) + "/tags/";
}

/** An image, by tag or digest. */
export function imageLink(repository, reference) {
  return "#/repositories/" + encodeURI(repository) + (reference.includes(":") ? "/digests/" : "/tags/") + encodeURIComponent(reference);
}

/** What an address names: {part, repository, reference, run, parameters}. */
export function parse(hash) {
  const text = hash.replace(/^#\/?/, "");
  const question = text.indexOf("?");
  const path = question < 0 ? text : text.slice(0, question);
  const parameters = new URLSearchParams(question < 0 ? "" : text.slice(question + 1));
  const slash = path.indexOf("/");
  const part = (slash < 0 ? path : path.slice(0, slash)) || "overview";
  const rest = slash < 0 ? "" : path.slice(slash + 1);
  if (part === "replication" && rest.startsWith("runs/")) {
    return { part, run: rest.slice("runs/".length), parameters };
  }
  if (part !== "repositories" || !rest) {
    return { part, parameters };
  }
  const tags = rest.lastIndexOf("/tags/");
  const digests = rest.lastIndexOf("/digests/");
  const at = Math.max(tags, digests);
  if (at < 0) {
    return { part, repository: decode(rest.replace(/\/+$/, "")), parameters };
  }
  const reference = rest.slice(at + (tags > digests ? "/tags/" : "/digests/").length);
  return { part, repository: decode(rest.slice(0, at)), reference: decode(reference), parameters };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
