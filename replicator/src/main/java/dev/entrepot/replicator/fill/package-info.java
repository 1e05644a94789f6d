/** Brings whole graphs into the cache in the background: what is warmed, pinned or prefetched. */
@NullMarked
package dev.entrepot.replicator.fill;

import org.jspecify.annotations.NullMarked;
