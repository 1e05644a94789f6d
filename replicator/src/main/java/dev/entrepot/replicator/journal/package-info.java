/** What runs did, kept over restarts: an SQLite file beside the store. */
@NullMarked
package dev.entrepot.replicator.journal;

import org.jspecify.annotations.NullMarked;
