package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ImagePlan;
import dev.entrepot.replicator.PlanWriter;
import dev.entrepot.replicator.ReplicationPlan;
import dev.entrepot.replicator.ReplicationReport.Outcome;

/**
 * A plan as it is shown.
 *
 * @param outcome {@code complete}, or {@code partly} or {@code failed} if some or all of it cannot be done
 * @param text for people
 * @param json for programs, one object
 */
public record PlanAnswer(String outcome, String text, String json) {
    /** Shows a plan. */
    static PlanAnswer of(ReplicationPlan plan) {
        long images = plan.targets().stream()
                .mapToLong(target -> target.images().size())
                .sum();
        long failing = plan.targets().stream()
                .mapToLong(target -> target.count(ImagePlan.Action.FAIL))
                .sum();
        Outcome outcome = failing == 0 ? Outcome.COMPLETE : failing < images ? Outcome.PARTLY : Outcome.FAILED;
        return new PlanAnswer(outcome.toString(), PlanWriter.toText(plan), PlanWriter.toJson(plan));
    }
}
