package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What an import did.
 *
 * @param bundle the bundle
 * @param copied what came of the images that nothing was missing of
 * @param waiting images that lack volumes
 * @param early what was sent of those that lack volumes
 */
public record ImportReport(Digest bundle, ReplicationReport copied, List<Waiting> waiting, Optional<Brought> early) {
    /** Copies the list. */
    public ImportReport {
        waiting = List.copyOf(waiting);
    }

    /**
     * An image that is not tagged yet.
     *
     * @param image the image
     * @param volumes the volumes that it still needs, in any order
     */
    public record Waiting(BundledImage image, SortedSet<Integer> volumes) {
        /** Copies the collection. */
        public Waiting {
            volumes = new TreeSet<>(volumes);
        }
    }

    /** How it ended: {@code complete}, {@code partly} or {@code failed}, as that of a replication. */
    public String outcome() {
        boolean earlyFailed =
                early.stream().anyMatch(brought -> !brought.failures().isEmpty());
        if (copied.outcome() != ReplicationReport.Outcome.COMPLETE && waiting.isEmpty()) {
            return copied.outcome().toString();
        }
        boolean partly = !waiting.isEmpty() || earlyFailed;
        return partly
                ? ReplicationReport.Outcome.PARTLY.toString()
                : copied.outcome().toString();
    }

    /** Whether an image is complete at the target and tagged there. */
    boolean isComplete(BundledImage image, ImportNames names) {
        return copied.items().stream()
                .anyMatch(item -> item.source().equals(image.repository())
                        && item.tag().equals(names.tag(image).value())
                        && (item.state() == ItemReport.State.COPIED || item.state() == ItemReport.State.UP_TO_DATE));
    }
}
