/** The content store and what fills it: verified ingest, one shared fetch per blob, tag freshness, eviction. */
@NullMarked
package dev.entrepot.cache;

import org.jspecify.annotations.NullMarked;
