package dev.entrepot.replicator.events;

import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Something that happened and that others may want to be told. */
public sealed interface ReplicationEvent {
    /** When it happened. */
    Instant at();

    /** Name of the rule. */
    String rule();

    /** A tag became complete at a target. */
    record ArtifactArrived(Instant at, String rule, ItemReport item) implements ReplicationEvent {}

    /** A tag was not moved. */
    record TagRefused(Instant at, String rule, ItemReport item) implements ReplicationEvent {}

    /** A run ended. */
    record RunFinished(Instant at, String rule, ReplicationReport report) implements ReplicationEvent {}

    /** All that a finished run has to tell, in the order in which it happened. */
    static List<ReplicationEvent> of(ReplicationReport report) {
        List<ReplicationEvent> events = new ArrayList<>();
        for (ItemReport item : report.items()) {
            switch (item.state()) {
                case COPIED -> events.add(new ArtifactArrived(report.ended(), report.rule(), item));
                case FAILED -> events.add(new TagRefused(report.ended(), report.rule(), item));
                case UP_TO_DATE, SKIPPED, PRUNED -> {}
            }
        }
        events.add(new RunFinished(report.ended(), report.rule(), report));
        return events;
    }
}
