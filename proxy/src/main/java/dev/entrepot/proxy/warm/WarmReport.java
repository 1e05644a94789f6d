package dev.entrepot.proxy.warm;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.fill.FillReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What came of warming.
 *
 * @param images each image, in the order of asking
 */
public record WarmReport(List<Image> images) {
    /** Copies the list. */
    public WarmReport {
        images = List.copyOf(images);
    }

    /** Of the reports of the graphs. */
    static WarmReport of(List<FillReport> reports) {
        return new WarmReport(reports.stream().map(Image::of).toList());
    }

    /**
     * What came of one image.
     *
     * @param name the image as it was asked for
     * @param digest what its reference named, or empty text if that could not be found out
     * @param manifests the manifests that are in the cache
     * @param blobs the blobs that are in the cache
     * @param bytes the sizes of both, in bytes
     * @param failures what is missing, each with its cause
     */
    public record Image(
            String name, String digest, int manifests, int blobs, long bytes, List<FillReport.Failure> failures) {
        /** Copies the list. */
        public Image {
            failures = List.copyOf(failures);
        }

        private static Image of(FillReport report) {
            return new Image(
                    report.request().image(),
                    report.root().map(Digest::toString).orElse(""),
                    report.manifests(),
                    report.blobs(),
                    report.bytes(),
                    report.failures());
        }
    }

    /** How many images are whole. */
    public long complete() {
        return images.stream().filter(image -> image.failures().isEmpty()).count();
    }

    /** How a run of several parts ended. */
    public static WarmReport joined(List<WarmReport> parts) {
        return new WarmReport(
                parts.stream().flatMap(part -> part.images().stream()).toList());
    }

    /** For people: what is missing, and the sums. */
    public String toText() {
        StringBuilder text = new StringBuilder();
        for (Image image : images) {
            for (FillReport.Failure failure : image.failures()) {
                text.append(image.name()).append(": ");
                text.append(failure.node().equals(image.name()) ? "" : failure.node() + ": ");
                text.append(failure.cause()).append('\n');
            }
        }
        long bytes = images.stream().mapToLong(Image::bytes).sum();
        int blobs = images.stream().mapToInt(Image::blobs).sum();
        int manifests = images.stream().mapToInt(Image::manifests).sum();
        return text.append(String.format(
                        Locale.ROOT,
                        "%d of %d images are in the cache as a whole: %d manifests, %d blobs, %.1f MiB%n",
                        complete(),
                        images.size(),
                        manifests,
                        blobs,
                        bytes / (double) (1 << 20)))
                .toString();
    }

    /** One JSON object. */
    public ObjectNode toJson() {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("images", images.size());
        root.put("complete", complete());
        ArrayNode array = root.putArray("results");
        for (Image image : images) {
            ObjectNode json = array.addObject();
            json.put("image", image.name());
            json.put("digest", image.digest());
            json.put("manifests", image.manifests());
            json.put("blobs", image.blobs());
            json.put("bytes", image.bytes());
            ArrayNode failures = json.putArray("failures");
            image.failures()
                    .forEach(failure ->
                            failures.addObject().put("node", failure.node()).put("cause", failure.cause()));
        }
        return root;
    }

    /** What {@link #toJson()} wrote. */
    public static WarmReport read(JsonNode root) {
        List<Image> images = new ArrayList<>();
        for (JsonNode json : root.path("results")) {
            List<FillReport.Failure> failures = new ArrayList<>();
            json.path("failures")
                    .forEach(failure -> failures.add(new FillReport.Failure(
                            failure.path("node").asString(""),
                            failure.path("cause").asString(""))));
            images.add(new Image(
                    json.path("image").asString(""),
                    json.path("digest").asString(""),
                    json.path("manifests").asInt(0),
                    json.path("blobs").asInt(0),
                    json.path("bytes").asLong(0),
                    failures));
        }
        return new WarmReport(images);
    }
}
