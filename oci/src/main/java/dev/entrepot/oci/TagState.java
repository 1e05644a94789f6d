package dev.entrepot.oci;

import java.util.Optional;

/**
 * What a tag named when it was read.
 *
 * @param manifest what it named; empty if there is no such tag
 * @param condition that it is as it was; empty if the registry cannot tell
 */
public record TagState(Optional<ManifestBytes> manifest, Optional<TagCondition> condition) {}
