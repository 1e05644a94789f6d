/**
 * The nouns of the OCI specifications (names, digests, descriptors, manifests) and the small capabilities that
 * everything above is composed of: a source of blobs and manifests, a target for them. Depends on nothing else of ours.
 */
@NullMarked
package dev.entrepot.oci;

import org.jspecify.annotations.NullMarked;
