package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.Sizes;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes an {@link ExportReport} for people and for programs. */
public final class ExportReportWriter {
    private ExportReportWriter() {}

    /**
     * One JSON object. Where volumes were written again, {@code reissued} says how many of how many and their bytes;
     * what is carried, held and listed is that of the whole bundle.
     */
    public static String toJson(ExportReport report) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("name", report.name());
        root.put("outcome", "complete");
        root.put("dryRun", report.id().isEmpty());
        report.id().ifPresent(id -> root.put("bundle", id.toString()));
        putSince(root, report.inventory().since());
        root.put("signed", report.signed());
        root.put("sourceRequests", report.sourceRequests());
        ReadTally.Sums read = report.read();
        ObjectNode content = root.putObject("read");
        content.put("requests", read.requests());
        content.putObject("fromCache").put("blobs", read.blobsFromCache()).put("bytes", read.bytesFromCache());
        content.putObject("fromUpstream").put("blobs", read.blobsFromUpstream()).put("bytes", read.bytesFromUpstream());
        if (report.isReissue()) {
            root.putObject("reissued")
                    .put("volumes", report.volumes().size())
                    .put("ofVolumes", report.inventory().volumes())
                    .put("bytes", report.volumeBytes());
        }
        sum(root.putObject("carried"), report.carried());
        sum(root.putObject("held"), report.held());
        ArrayNode warnings = root.putArray("warnings");
        report.warnings().forEach(warnings::add);
        ArrayNode images = root.putArray("images");
        for (BundledImage image : report.inventory().images()) {
            images.addObject()
                    .put("source", image.source().toString())
                    .put("repository", image.repository().value())
                    .put("tag", image.tag().value())
                    .put("manifest", image.manifest().toString());
        }
        ArrayNode volumes = root.putArray("volumes");
        for (BundleWriter.Volume volume : report.volumes()) {
            volumes.addObject()
                    .put("volume", volume.number())
                    .put("file", volume.place().toString())
                    .put("bytes", volume.bytes())
                    .put("written", volume.written() && report.id().isPresent());
        }
        ArrayNode lost = root.putArray("lostAgain");
        report.lostAgain().forEach(digest -> lost.add(digest.toString()));
        return root.toString();
    }

    /**
     * One JSON object about an export that was refused because every import would refuse the bundle.
     *
     * @param name the rule, or the images
     */
    public static String toJson(String name, List<SourceContent.Contradiction> contradictions) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("name", name);
        root.put("outcome", "failed");
        ArrayNode problems = root.putArray("problems");
        for (SourceContent.Contradiction contradiction : contradictions) {
            ObjectNode problem = problems.addObject();
            problem.put("manifest", contradiction.manifest().toString());
            ArrayNode images = problem.putArray("images");
            contradiction.images().forEach(image -> images.add(image.name()));
            problem.put("what", contradiction.what());
        }
        return root.toString();
    }

    /** A line for each manifest that every import would refuse, ending in a line break. */
    public static String toText(List<SourceContent.Contradiction> contradictions) {
        StringBuilder text = new StringBuilder();
        for (SourceContent.Contradiction contradiction : contradictions) {
            text.append("  FAILED  ");
            text.append(contradiction.images().stream().map(BundledImage::name).collect(Collectors.joining(", ")));
            text.append("  ").append(contradiction.what()).append('\n');
        }
        return text.toString();
    }

    /**
     * What a document says of the receipts that a bundle is the difference to: nothing, the digest of one, or a list,
     * as in the inventory.
     */
    public static void putSince(ObjectNode root, List<Digest> since) {
        if (since.size() == 1) {
            root.put("since", since.getFirst().toString());
        } else if (!since.isEmpty()) {
            ArrayNode receipts = root.putArray("since");
            since.forEach(digest -> receipts.add(digest.toString()));
        }
    }

    private static void sum(ObjectNode node, ExportReport.Sum sum) {
        node.put("manifests", sum.manifests()).put("blobs", sum.blobs()).put("bytes", sum.bytes());
    }

    /**
     * The images, what is left out, and a line for each volume; where volumes were written again, these alone. Ends in
     * a line break.
     */
    public static String toText(ExportReport report) {
        if (report.isReissue()) {
            return reissued(report);
        }
        StringBuilder text = new StringBuilder();
        boolean dry = report.id().isEmpty();
        text.append(dry ? "would export " : "exported ").append(report.name());
        report.id().ifPresent(id -> text.append(" as bundle ").append(id));
        text.append(report.signed() ? ", signed" : ", UNSIGNED").append('\n');
        for (BundledImage image : report.inventory().images()) {
            text.append("  ").append(image.source()).append(':').append(image.tag());
            text.append("  ").append(image.manifest()).append('\n');
        }
        report.warnings()
                .forEach(warning -> text.append("  WARNING ").append(warning).append('\n'));
        appendVolumes(text, report);
        text.append(dry ? "would carry " : "carries ")
                .append(text(report.carried()))
                .append('\n');
        if (!dry) {
            appendRead(text, report);
        }
        int receipts = report.inventory().since().size();
        if (receipts > 0) {
            text.append(
                    receipts == 1
                            ? "left out, as the receipt says that the other side has it: "
                            : "left out, as all " + receipts + " receipts say that their sides have it: ");
            text.append(text(report.held())).append('\n');
        }
        if (!report.lostAgain().isEmpty()) {
            text.append("sent again, as the receipt says that the other side has lost it: ");
            text.append(report.lostAgain().size()).append(" nodes, the first of them ");
            text.append(report.lostAgain().getFirst()).append('\n');
        }
        return text.toString();
    }

    private static String reissued(ExportReport report) {
        StringBuilder text = new StringBuilder("wrote again, of ").append(report.name());
        report.id().ifPresent(id -> text.append(", bundle ").append(id));
        text.append(report.signed() ? ", signed" : ", UNSIGNED").append('\n');
        report.warnings()
                .forEach(warning -> text.append("  WARNING ").append(warning).append('\n'));
        appendVolumes(text, report);
        text.append(report.volumes().size() + " of " + report.inventory().volumes() + " volumes, ");
        text.append(Sizes.bytes(report.volumeBytes()))
                .append("; all of them carry ")
                .append(text(report.carried()))
                .append('\n');
        appendRead(text, report);
        return text.toString();
    }

    private static void appendVolumes(StringBuilder text, ExportReport report) {
        for (BundleWriter.Volume volume : report.volumes()) {
            text.append("  volume ").append(volume.number()).append("  ").append(volume.place());
            text.append("  ").append(Sizes.bytes(volume.bytes()));
            text.append(report.id().isEmpty() || volume.written() ? "\n" : "  (was there)\n");
        }
    }

    private static void appendRead(StringBuilder text, ExportReport report) {
        ReadTally.Sums read = report.read();
        text.append("read from the cache: ").append(Sizes.bytes(read.bytesFromCache()));
        text.append(" in ").append(read.blobsFromCache()).append(" blobs; from upstreams: ");
        text.append(Sizes.bytes(read.bytesFromUpstream())).append(" in ").append(read.blobsFromUpstream());
        text.append(" blobs; ")
                .append(report.sourceRequests() + read.requests())
                .append(" requests\n");
    }

    private static String text(ExportReport.Sum sum) {
        return Sizes.bytes(sum.bytes()) + " in " + sum.manifests() + " manifests and " + sum.blobs() + " blobs";
    }
}
