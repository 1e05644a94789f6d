package dev.entrepot.replicator;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ImagePlan.Step;
import java.io.StringWriter;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** Writes a {@link ReplicationPlan} for people and for programs. */
public final class PlanWriter {
    private PlanWriter() {}

    /** One JSON object. */
    public static String toJson(ReplicationPlan plan) {
        StringWriter text = new StringWriter();
        // Written as it goes: as a tree, a plan of thousands of tags would be several times as large as it is.
        try (JsonGenerator json = OciJson.mapper().createGenerator(text)) {
            write(json, plan);
        }
        return text.toString();
    }

    private static void write(JsonGenerator json, ReplicationPlan plan) {
        json.writeStartObject();
        json.writeStringProperty("rule", plan.rule());
        json.writeStringProperty("source", plan.source());
        json.writeStringProperty("at", plan.at().toString());
        write(json, "made", plan.made());
        write(json, "forecast", plan.forecast());
        strings(json, "warnings", plan.warnings());
        json.writeArrayPropertyStart("tags");
        for (ReplicationPlan.Choice choice : plan.choices()) {
            json.writeStartObject();
            json.writeStringProperty("repository", choice.repository().value());
            json.writeStringProperty("tag", choice.decision().tag().value());
            json.writeBooleanProperty("kept", choice.decision().kept());
            json.writeStringProperty("condition", choice.decision().condition().toString());
            json.writeStringProperty("detail", choice.decision().detail());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("targets");
        for (ReplicationPlan.TargetPlan target : plan.targets()) {
            json.writeStartObject();
            json.writeStringProperty("target", target.target());
            json.writeNumberProperty("bytes", target.bytes());
            json.writeNumberProperty("blobBytes", target.blobBytes());
            write(json, target.forecast());
            json.writeArrayPropertyStart("images");
            target.images().forEach(image -> write(json, image));
            json.writeEndArray();
            strings(json, "prune", target.prune());
            json.writeArrayPropertyStart("pruning");
            target.pruning().forEach(step -> write(json, step));
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, SourceRequests requests) {
        json.writeObjectPropertyStart(name);
        json.writeNumberProperty("requests", requests.total());
        json.writeNumberProperty("pulls", requests.pulls());
        json.writeNumberProperty("catalogs", requests.catalogs());
        json.writeNumberProperty("tagLists", requests.tagLists());
        json.writeNumberProperty("heads", requests.heads());
        json.writeNumberProperty("referrers", requests.referrers());
        json.writeNumberProperty("manifests", requests.manifests());
        json.writeNumberProperty("blobs", requests.blobs());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, TargetRequests requests) {
        json.writeNumberProperty("requests", requests.total());
        json.writeObjectPropertyStart("requestsByKind");
        json.writeNumberProperty("asked", requests.asked());
        json.writeNumberProperty("uploads", requests.uploads());
        json.writeNumberProperty("mounts", requests.mounts());
        json.writeNumberProperty("manifests", requests.manifests());
        json.writeNumberProperty("verified", requests.verified());
        json.writeNumberProperty("referrers", requests.referrers());
        json.writeNumberProperty("tags", requests.tags());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, ImagePlan image) {
        json.writeStartObject();
        json.writeStringProperty("source", image.source().value());
        json.writeStringProperty("repository", image.repository().value());
        json.writeStringProperty("tag", image.tag());
        image.digest().ifPresent(digest -> json.writeStringProperty("digest", digest.toString()));
        json.writeStringProperty("action", image.action().toString());
        json.writeStringProperty("reason", image.reason());
        if (image.action() == ImagePlan.Action.COPY) {
            json.writeArrayPropertyStart("nodes");
            image.nodes().forEach(node -> write(json, node));
            json.writeEndArray();
            strings(json, "referrerSets", image.referrerSets());
            strings(json, "tags", image.tags());
            image.backup().ifPresent(tag -> json.writeStringProperty("backup", tag.value()));
            List<Tag> attached = image.backups().stream()
                    .filter(backup -> !backup.tag().value().equals(image.tag()))
                    .map(ImagePlan.Backup::as)
                    .toList();
            if (!attached.isEmpty()) {
                strings(json, "cosignBackups", attached);
            }
        }
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, PruneStep step) {
        json.writeStartObject();
        json.writeStringProperty("repository", step.repository().value());
        json.writeStringProperty("reference", step.reference());
        json.writeStringProperty("action", step.action().toString());
        json.writeStringProperty("reason", step.reason());
        strings(json, "manifests", step.manifests());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, ImagePlan.Node node) {
        json.writeStartObject();
        json.writeStringProperty("digest", node.descriptor().digest().toString());
        json.writeStringProperty("kind", node.manifest() ? "manifest" : "blob");
        json.writeNumberProperty("size", node.descriptor().sizeBytes());
        json.writeStringProperty("step", node.step().name().toLowerCase(Locale.ROOT));
        node.from().ifPresent(from -> json.writeStringProperty("from", from.value()));
        json.writeEndObject();
    }

    private static void strings(JsonGenerator json, String name, List<?> values) {
        json.writeArrayPropertyStart(name);
        values.forEach(value -> json.writeString(value.toString()));
        json.writeEndArray();
    }

    /**
     * Each tag with the condition that kept or dropped it, for each target a line for each tag with what is to be done
     * and why, and the sums.
     */
    public static String toText(ReplicationPlan plan) {
        StringBuilder text = new StringBuilder();
        text.append("plan of ")
                .append(plan.rule())
                .append(" from ")
                .append(plan.source())
                .append('\n');
        for (ReplicationPlan.Choice choice : plan.choices()) {
            text.append(choice.decision().kept() ? "  kept    " : "  dropped ")
                    .append(choice.repository())
                    .append(':')
                    .append(choice.decision().tag());
            text.append("  ").append(choice.decision().condition());
            text.append(": ").append(choice.decision().detail()).append('\n');
        }
        for (ReplicationPlan.TargetPlan target : plan.targets()) {
            text.append(target.target()).append('\n');
            target.images().forEach(image -> line(text, image));
            for (FailureGroup group : failures(target)) {
                text.append("  CANNOT  ").append(group.tags()).append("  ");
                text.append(group.first().cause()).append('\n');
            }
            target.pruning().forEach(step -> line(text, step));
            text.append("  " + target.count(ImagePlan.Action.COPY) + " to copy, ")
                    .append(target.count(ImagePlan.Action.UP_TO_DATE) + " up to date, ")
                    .append(target.count(ImagePlan.Action.SKIP) + " to skip, ")
                    .append(target.count(ImagePlan.Action.FAIL) + " cannot be copied; ")
                    .append(Sizes.bytes(target.bytes()) + " to move with about ")
                    .append(inWords(target.forecast()))
                    .append('\n');
        }
        plan.warnings()
                .forEach(warning -> text.append("WARNING ").append(warning).append('\n'));
        text.append("the run sends the source ")
                .append(inWords(plan.forecast()))
                .append('\n');
        text.append("making this plan sent it ").append(inWords(plan.made())).append('\n');
        return text.toString();
    }

    private static String inWords(SourceRequests requests) {
        String catalogs = requests.catalogs() == 0 ? "" : requests.catalogs() + " for the catalog, ";
        return requests.total() + " requests (" + catalogs + requests.tagLists() + " for tag lists, "
                + requests.heads() + " HEAD, " + requests.referrers() + " for referrers, " + requests.manifests()
                + " for manifests, " + requests.blobs() + " for blobs), of which a pull quota counts "
                + requests.pulls();
    }

    private static String inWords(TargetRequests requests) {
        return requests.total() + " requests (" + requests.asked() + " to compare, " + requests.uploads()
                + " for uploads, " + requests.mounts() + " for mounts, " + requests.manifests() + " for manifests, "
                + requests.verified() + " to verify, " + requests.referrers() + " for referrers, " + requests.tags()
                + " for tags)";
    }

    private static List<FailureGroup> failures(ReplicationPlan.TargetPlan target) {
        return FailureGroup.of(
                target.target(),
                target.images().stream()
                        .flatMap(image -> image.failure().stream()
                                .map(failure ->
                                        new FailureGroup.Failed(image.repository() + ":" + image.tag(), failure)))
                        .toList());
    }

    private static void line(StringBuilder text, PruneStep step) {
        switch (step.action()) {
            case DELETE ->
                text.append("  prune   " + step.name() + "  " + step.reason() + "; ")
                        .append(step.manifests().size() + " manifests go\n");
            case KEEP -> text.append("  stays   " + step.name() + "  " + step.reason() + "\n");
            case FAIL -> text.append("  CANNOT  " + step.name() + "  " + step.reason() + "\n");
        }
    }

    private static void line(StringBuilder text, ImagePlan image) {
        String name = image.repository() + ":" + image.tag();
        switch (image.action()) {
            case COPY ->
                text.append("  copy    " + name + "  " + image.reason() + "; ")
                        .append(Sizes.bytes(image.blobBytes()) + " in " + image.count(false, Step.PUSH) + " blobs, ")
                        .append(image.count(false, Step.MOUNT) + " mounted, ")
                        .append(image.count(true, Step.PUSH) + " manifests\n");
            case SKIP -> text.append("  skip    " + name + "  " + image.reason() + "\n");
            case UP_TO_DATE -> text.append("  up to date  " + name + "  " + image.reason() + "\n");
            case FAIL -> {}
        }
    }
}
