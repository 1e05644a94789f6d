package dev.entrepot.replicator;

import dev.entrepot.replicator.journal.CopyJournal;
import java.time.Duration;

/**
 * What all runs of this process share.
 *
 * @param journal what is known from earlier runs
 * @param locks one writer per subject
 * @param claims who copies and who prunes
 * @param hosts what is known of the hosts that they go to
 * @param limits how fast rules may run
 * @param time clock, sleep and randomness
 * @param retries how long outages are borne
 * @param recheck how long a tag that was complete counts as that without being compared in full again
 * @param mountPatience how long to wait for an earlier image that brings a blob, while the target makes no progress
 */
record RunServices(
        CopyJournal journal,
        SubjectLocks locks,
        RepositoryClaims claims,
        KnownHosts hosts,
        RuleLimits limits,
        Time time,
        RetryPolicy retries,
        Duration recheck,
        Duration mountPatience) {}
