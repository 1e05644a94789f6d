package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ImagePlan;
import dev.entrepot.replicator.PlanWriter;
import dev.entrepot.replicator.ReplicationPlan;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.util.function.Supplier;

/**
 * A plan as it is shown. Each form of it may be large, and is made when it is asked for.
 *
 * @param outcome {@code complete}, or {@code partly} or {@code failed} if some or all of it cannot be done
 * @param asText makes the {@link #text}
 * @param asJson makes the {@link #json}
 */
public record PlanAnswer(String outcome, Supplier<String> asText, Supplier<String> asJson) {
    /** Shows a plan. */
    static PlanAnswer of(ReplicationPlan plan) {
        long images = plan.targets().stream()
                .mapToLong(target -> target.images().size())
                .sum();
        long failing = plan.targets().stream()
                .mapToLong(target -> target.count(ImagePlan.Action.FAIL))
                .sum();
        Outcome outcome = failing == 0 ? Outcome.COMPLETE : failing < images ? Outcome.PARTLY : Outcome.FAILED;
        return new PlanAnswer(outcome.toString(), () -> PlanWriter.toText(plan), () -> PlanWriter.toJson(plan));
    }

    /** For people. */
    public String text() {
        return asText.get();
    }

    /** For programs, one object. */
    public String json() {
        return asJson.get();
    }
}
