/** Replication: rules, plans, and the copying of whole referrer graphs to targets. */
@NullMarked
package dev.entrepot.replicator;

import org.jspecify.annotations.NullMarked;
