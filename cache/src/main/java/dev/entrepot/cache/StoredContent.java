package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.time.Instant;

/**
 * A file of the store, as the file system describes it.
 *
 * @param digest its address
 * @param kind the tree that it lies in
 * @param sizeBytes its length
 * @param lastModified when it was written: the best guess at its last use when nothing better is known
 */
record StoredContent(Digest digest, ContentKind kind, long sizeBytes, Instant lastModified) {}
