/** Bundles: whole graphs as files that prove what they carry, and receipts that say what arrived (docs/air-gap.md). */
@NullMarked
package dev.entrepot.replicator.bundle;

import org.jspecify.annotations.NullMarked;
