package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.Side;
import dev.entrepot.replicator.Tally;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Reads what {@link dev.entrepot.replicator.ReportWriter} wrote as JSON: from the journal, or from a server that ran
 * the rule.
 */
public final class ReportReader {
    private ReportReader() {}

    /**
     * The report.
     *
     * @throws InvalidContentException if the text is not one
     */
    public static ReplicationReport read(String json) throws InvalidContentException {
        try {
            return report(OciJson.mapper().readTree(json));
        } catch (JacksonException | IllegalArgumentException | DateTimeException e) {
            throw new InvalidContentException("the report of a run is not readable: " + e.getMessage(), e);
        }
    }

    private static ReplicationReport report(JsonNode root) {
        List<ItemReport> items = new ArrayList<>();
        root.path("items").forEach(item -> items.add(item(item)));
        List<ReplicationReport.TargetSummary> targets = new ArrayList<>();
        root.path("targets").forEach(target -> targets.add(target(target)));
        return new ReplicationReport(
                root.path("run").asLong(),
                text(root, "rule"),
                text(root, "trigger"),
                Instant.parse(text(root, "started")),
                Instant.parse(text(root, "ended")),
                items,
                targets,
                root.path("sourceRequests").asLong(),
                failure(root),
                root.path("warnings").valueStream().map(JsonNode::asString).toList(),
                root.path("leftOut").valueStream().map(JsonNode::asString).toList(),
                root.has("roundOf") ? OptionalLong.of(root.path("roundOf").asLong()) : OptionalLong.empty(),
                root.path("notListed").valueStream().map(ReportReader::unlisted).toList());
    }

    private static ReplicationReport.TargetSummary target(JsonNode node) {
        return new ReplicationReport.TargetSummary(
                text(node, "target"),
                tally(node.path("done")),
                node.path("copied").asLong(),
                node.path("upToDate").asLong(),
                node.path("skipped").asLong(),
                node.path("pruned").asLong(),
                node.path("failed").asLong(),
                node.path("requests").asLong());
    }

    private static ItemReport item(JsonNode node) {
        return new ItemReport(
                text(node, "target"),
                new RepositoryName(text(node, "source")),
                new RepositoryName(text(node, "repository")),
                text(node, "tag"),
                node.has("digest") ? Optional.of(Digest.parse(text(node, "digest"))) : Optional.empty(),
                state(node),
                node.path("reason").asString(""),
                failure(node),
                node.has("done") ? tally(node.path("done")) : Tally.NONE);
    }

    private static ReplicationReport.Unlisted unlisted(JsonNode node) {
        return new ReplicationReport.Unlisted(
                text(node, "target"),
                state(node),
                failure(node),
                node.path("count").asLong());
    }

    private static ItemReport.State state(JsonNode node) {
        return ItemReport.State.valueOf(
                text(node, "state").toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    private static Optional<ItemReport.Failure> failure(JsonNode node) {
        JsonNode failure = node.path("failure");
        return failure.isObject()
                ? Optional.of(new ItemReport.Failure(
                        Side.valueOf(text(failure, "side").toUpperCase(Locale.ROOT)),
                        text(failure, "node"),
                        text(failure, "cause"),
                        failure.path("fault").asString("")))
                : Optional.empty();
    }

    private static Tally tally(JsonNode node) {
        return new Tally(
                node.path("manifestsPushed").asLong(),
                node.path("blobsPushed").asLong(),
                node.path("blobsMounted").asLong(),
                node.path("blobsPresent").asLong(),
                node.path("tagsMoved").asLong(),
                node.path("referrerSetsWritten").asLong(),
                node.path("manifestsRepaired").asLong(0),
                node.path("blobsRepaired").asLong(0),
                node.path("bytes").asLong());
    }

    private static String text(JsonNode node, String property) {
        return node.path(property).asString();
    }
}
