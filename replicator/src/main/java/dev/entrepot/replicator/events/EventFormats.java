package dev.entrepot.replicator.events;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.node.ObjectNode;

/** Writes events, and signs what was written. */
public final class EventFormats {
    /** Media type of {@link #cloudEvent}. */
    public static final String CLOUDEVENTS_TYPE = "application/cloudevents+json";
    /** Media type of {@link #distribution}. */
    public static final String DISTRIBUTION_TYPE = "application/vnd.docker.distribution.events.v2+json";
    /** The header that carries {@link #signature}. */
    public static final String SIGNATURE_HEADER = "X-Entrepot-Signature";

    private EventFormats() {}

    /**
     * A CloudEvent 1.0 in structured mode.
     *
     * @param id identifies the event for receivers that get it twice
     * @param source the CloudEvents attribute: who tells it, as a URI reference
     */
    public static byte[] cloudEvent(ReplicationEvent event, String id, String source) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("specversion", "1.0");
        root.put("id", id);
        root.put("source", source);
        root.put("type", type(event));
        root.put("time", event.at().toString());
        root.put("datacontenttype", "application/json");
        ObjectNode data = root.putObject("data");
        data.put("rule", event.rule());
        switch (event) {
            case ReplicationEvent.ArtifactArrived arrived -> item(data, arrived.item());
            case ReplicationEvent.TagRefused refused -> item(data, refused.item());
            case ReplicationEvent.RunFinished finished -> run(data, finished.report());
        }
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String type(ReplicationEvent event) {
        return switch (event) {
            case ReplicationEvent.ArtifactArrived arrived -> "dev.entrepot.artifact.arrived";
            case ReplicationEvent.TagRefused refused -> "dev.entrepot.tag.refused";
            case ReplicationEvent.RunFinished finished -> "dev.entrepot.run.finished";
        };
    }

    private static void item(ObjectNode data, ItemReport item) {
        data.put("target", item.target());
        data.put("repository", item.repository().value());
        data.put("tag", item.tag());
        item.digest().ifPresent(digest -> data.put("digest", digest.toString()));
        item.failure().ifPresent(failure -> {
            data.put("side", failure.side().name().toLowerCase(Locale.ROOT));
            data.put("node", failure.node());
            data.put("cause", failure.cause());
        });
    }

    private static void run(ObjectNode data, ReplicationReport report) {
        data.put("run", report.run());
        report.roundOf().ifPresent(run -> data.put("roundOf", run));
        data.put("trigger", report.trigger());
        data.put("outcome", report.outcome().toString());
        data.put("milliseconds", report.duration().toMillis());
        data.put("bytes", report.tally().bytes());
        data.put(
                "failed",
                report.targets().stream()
                        .mapToLong(ReplicationReport.TargetSummary::failed)
                        .sum());
    }

    /**
     * The envelope of distribution's notifications, which knows pushes only: an event other than an arrival has no such
     * form.
     *
     * @param id identifies the event for receivers that get it twice
     */
    public static Optional<byte[]> distribution(ReplicationEvent event, String id) {
        return switch (event) {
            case ReplicationEvent.ArtifactArrived arrived -> Optional.of(push(arrived, id));
            case ReplicationEvent.TagRefused refused -> Optional.empty();
            case ReplicationEvent.RunFinished finished -> Optional.empty();
        };
    }

    private static byte[] push(ReplicationEvent.ArtifactArrived arrived, String id) {
        ItemReport item = arrived.item();
        ObjectNode root = OciJson.mapper().createObjectNode();
        ObjectNode event = root.putArray("events").addObject();
        event.put("id", id);
        event.put("timestamp", arrived.at().toString());
        event.put("action", "push");
        ObjectNode target = event.putObject("target");
        item.published().ifPresent(published -> {
            target.put("mediaType", published.manifest().mediaType().value());
            target.put("size", published.manifest().sizeBytes());
            target.put("length", published.manifest().sizeBytes());
            published.url().ifPresent(url -> target.put("url", url.toString()));
        });
        item.digest().ifPresent(digest -> target.put("digest", digest.toString()));
        target.put("repository", item.repository().value());
        target.put("tag", item.tag());
        event.putObject("request").put("host", item.target());
        event.putObject("actor").put("name", "entrepot/" + arrived.rule());
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** The value of the signature header: {@code sha256=} and the HMAC of the body, in hexadecimal. */
    public static String signature(byte[] body, String secret) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return "sha256=" + HexFormat.of().formatHex(mac.doFinal(body));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("this JDK lacks HmacSHA256", e);
        }
    }
}
