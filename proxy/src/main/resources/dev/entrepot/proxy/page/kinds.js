// What a manifest is, in a word, by its types. The types themselves are always shown beside it.

const SIGNATURES = /notary\.signature|cosign\.(artifact\.)?sig|simplesigning|dev\.sigstore\.bundle|\.signature/;
const SBOMS = [[/spdx/, "SPDX"], [/cyclonedx/, "CycloneDX"], [/syft/, "Syft"], [/sbom/, ""]];

/** What a manifest is: {kind, note}. */
export function kindOf(node, tagSuffix) {
  const type = (node.artifactType ?? "").toLowerCase();
  if (tagSuffix === "sig" || SIGNATURES.test(type)) {
    return { kind: "Signature", note: type.includes("notary") ? "Notary" : type.includes("bundle") ? "Sigstore bundle" : tagSuffix === "sig" ? "cosign tag" : "" };
  }
  for (const [pattern, note] of SBOMS) {
    if (pattern.test(type)) {
      return { kind: "SBOM", note };
    }
  }
  if (tagSuffix === "sbom") {
    return { kind: "SBOM", note: "cosign tag" };
  }
  if (tagSuffix === "att") {
    return { kind: "Attestation", note: "cosign tag" };
  }
  if (/in-toto|attestation|slsa|provenance/.test(type) || node.referenceType === "attestation-manifest") {
    return { kind: "Attestation", note: "" };
  }
  if (/helm/.test(type)) {
    return { kind: "Helm chart", note: "" };
  }
  if (/image\.index|manifest\.list/.test(node.mediaType)) {
    return { kind: "Index", note: "" };
  }
  if (!type || /image\.config|container\.image/.test(type)) {
    return { kind: node.mediaType === "application/octet-stream" ? "Manifest" : "Image", note: "" };
  }
  return { kind: "Artifact", note: "" };
}

/** What a manifest in a list is, in a few words, by its types and, if it has one, the tag that stands for it. */
export function listedKind(line) {
  if (!line.mediaType) {
    return "";
  }
  const suffix = /^sha\d+-[0-9a-f]+\.(sig|att|sbom)$/.exec(line.tag ?? "")?.[1];
  const { kind, note } = kindOf(line, suffix);
  return [kind, note].filter(Boolean).join(" ");
}

/** What a blob is. */
export function blobKind(blob, first) {
  const type = blob.mediaType.toLowerCase();
  return first && /config|container\.image|empty/.test(type) ? "Configuration" : /layer|rootfs|tar/.test(type) ? "Layer" : "Blob";
}
