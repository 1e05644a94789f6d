/** What hangs together: the manifests, blobs, referrers and cosign tags under one root, discovered from a source. */
@NullMarked
package dev.entrepot.replicator.graph;

import org.jspecify.annotations.NullMarked;
