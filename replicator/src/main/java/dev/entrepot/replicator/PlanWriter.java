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
        json.writeNumberProperty("sourceRequests", plan.sourceRequests());
        json.writeNumberProperty("sourceManifests", plan.sourceManifests());
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
            json.writeNumberProperty("blobBytes", target.blobBytes());
            json.writeNumberProperty("requests", target.requests());
            json.writeArrayPropertyStart("images");
            target.images().forEach(image -> write(json, image));
            json.writeEndArray();
            strings(json, "prune", target.prune());
            json.writeEndObject();
        }
        json.writeEndArray();
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

    /** The tags that were dropped, and for each target a line for each tag that something is to be done for, and the sums. */
    public static String toText(ReplicationPlan plan) {
        StringBuilder text = new StringBuilder();
        text.append("plan of ")
                .append(plan.rule())
                .append(" from ")
                .append(plan.source())
                .append('\n');
        for (ReplicationPlan.Choice choice : plan.choices()) {
            if (!choice.decision().kept()) {
                text.append("  dropped ")
                        .append(choice.repository())
                        .append(':')
                        .append(choice.decision().tag());
                text.append("  ").append(choice.decision().condition());
                text.append(": ").append(choice.decision().detail()).append('\n');
            }
        }
        for (ReplicationPlan.TargetPlan target : plan.targets()) {
            text.append(target.target()).append('\n');
            target.images().forEach(image -> line(text, image));
            for (FailureGroup group : failures(target)) {
                text.append("  CANNOT  ").append(group.tags()).append("  ");
                text.append(group.first().cause()).append('\n');
            }
            target.prune()
                    .forEach(line -> text.append("  prune   ").append(line).append('\n'));
            text.append("  " + target.count(ImagePlan.Action.COPY) + " to copy, ")
                    .append(target.count(ImagePlan.Action.UP_TO_DATE) + " up to date, ")
                    .append(target.count(ImagePlan.Action.SKIP) + " to skip, ")
                    .append(target.count(ImagePlan.Action.FAIL) + " cannot be copied; ")
                    .append(Sizes.bytes(target.blobBytes()) + " to move with about " + target.requests())
                    .append(" requests\n");
        }
        plan.warnings()
                .forEach(warning -> text.append("WARNING ").append(warning).append('\n'));
        text.append("the source was sent " + plan.sourceRequests() + " requests, ")
                .append(plan.sourceManifests() + " of them for manifests\n");
        return text.toString();
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

    private static void line(StringBuilder text, ImagePlan image) {
        String name = image.repository() + ":" + image.tag();
        switch (image.action()) {
            case COPY ->
                text.append("  copy    " + name + "  " + image.reason() + "; ")
                        .append(Sizes.bytes(image.blobBytes()) + " in " + image.count(false, Step.PUSH) + " blobs, ")
                        .append(image.count(false, Step.MOUNT) + " mounted, ")
                        .append(image.count(true, Step.PUSH) + " manifests\n");
            case SKIP -> text.append("  skip    " + name + "  " + image.reason() + "\n");
            case FAIL, UP_TO_DATE -> {}
        }
    }
}
