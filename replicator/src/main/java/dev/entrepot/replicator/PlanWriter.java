package dev.entrepot.replicator;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ImagePlan.Step;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes a {@link ReplicationPlan} for people and for programs. */
public final class PlanWriter {
    private PlanWriter() {}

    /** One JSON object. */
    public static String toJson(ReplicationPlan plan) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("rule", plan.rule());
        root.put("source", plan.source());
        root.put("at", plan.at().toString());
        root.put("sourceRequests", plan.sourceRequests());
        root.put("sourceManifests", plan.sourceManifests());
        ArrayNode warnings = root.putArray("warnings");
        plan.warnings().forEach(warnings::add);
        ArrayNode tags = root.putArray("tags");
        for (ReplicationPlan.Choice choice : plan.choices()) {
            ObjectNode node = tags.addObject();
            node.put("repository", choice.repository().value());
            node.put("tag", choice.decision().tag().value());
            node.put("kept", choice.decision().kept());
            node.put("condition", choice.decision().condition().toString());
            node.put("detail", choice.decision().detail());
        }
        ArrayNode targets = root.putArray("targets");
        for (ReplicationPlan.TargetPlan target : plan.targets()) {
            ObjectNode node = targets.addObject();
            node.put("target", target.target());
            node.put("blobBytes", target.blobBytes());
            node.put("requests", target.requests());
            ArrayNode images = node.putArray("images");
            target.images().forEach(image -> images.add(image(image)));
            ArrayNode prune = node.putArray("prune");
            target.prune().forEach(prune::add);
        }
        return root.toString();
    }

    private static ObjectNode image(ImagePlan image) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("source", image.source().value());
        node.put("repository", image.repository().value());
        node.put("tag", image.tag());
        image.digest().ifPresent(digest -> node.put("digest", digest.toString()));
        node.put("action", image.action().toString());
        node.put("reason", image.reason());
        if (image.action() != ImagePlan.Action.COPY) {
            return node;
        }
        ArrayNode nodes = node.putArray("nodes");
        for (ImagePlan.Node planned : image.nodes()) {
            ObjectNode json = nodes.addObject();
            json.put("digest", planned.descriptor().digest().toString());
            json.put("kind", planned.manifest() ? "manifest" : "blob");
            json.put("size", planned.descriptor().sizeBytes());
            json.put("step", planned.step().name().toLowerCase(Locale.ROOT));
            planned.from().ifPresent(from -> json.put("from", from.value()));
        }
        ArrayNode sets = node.putArray("referrerSets");
        image.referrerSets().forEach(digest -> sets.add(digest.toString()));
        ArrayNode tags = node.putArray("tags");
        image.tags().forEach(tag -> tags.add(tag.value()));
        image.backup().ifPresent(tag -> node.put("backup", tag.value()));
        return node;
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
