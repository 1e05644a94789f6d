package dev.entrepot.oci;

import java.util.Optional;

/**
 * What a target answered to a manifest that it took.
 *
 * @param subject the digest in {@code OCI-Subject}, where the target says that it keeps track of the manifest's subject
 *     itself
 * @param confirmed whether the answer can be nobody's but a registry's that stored the manifest: it is 201, as the
 *     specification has it, and states the digest. Without that the manifest, or the tag, is to be asked for
 */
public record PushedManifest(Optional<Digest> subject, boolean confirmed) {}
