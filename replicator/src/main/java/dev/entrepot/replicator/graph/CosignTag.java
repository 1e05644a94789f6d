package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Tag;

/**
 * A cosign tag that exists, and what it names now.
 *
 * @param tag the tag, for example {@code sha256-<hex>.sig}
 * @param manifest the manifest that it names
 */
public record CosignTag(Tag tag, Descriptor manifest) {}
