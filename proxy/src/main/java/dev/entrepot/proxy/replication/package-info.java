/**
 * Replication as part of a process: rules and targets from the configuration, the journal, the admin API, the metrics,
 * and what the command line needs.
 */
@NullMarked
package dev.entrepot.proxy.replication;

import org.jspecify.annotations.NullMarked;
