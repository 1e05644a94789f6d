package dev.entrepot.replicator.events;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Reads what registries post when something was pushed: distribution's envelope, Harbor's own format and its
 * CloudEvents, the webhooks of Azure's registry and its Event Grid, Amazon's ECR events by EventBridge, and the
 * webhooks of Docker Hub and Quay. The format is told by the shape. Events of other kinds, pushes of blobs and names
 * that are none are passed over: a notification is a hint, and the schedule finds what it misses.
 */
public final class PushNotifications {
    /** Largest notification that is read, in bytes. */
    public static final int MAX_BYTES = 1024 * 1024;

    private static final String BEARER = "Bearer ";
    private static final String VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent";

    private PushNotifications() {}

    /**
     * What was pushed, without repetitions; empty if the notification is about something else.
     *
     * @throws InvalidContentException if it is too long or not JSON
     */
    public static Set<Pushed> read(byte[] body) throws InvalidContentException {
        Set<Pushed> pushed = new LinkedHashSet<>();
        events(body).forEach(event -> readOne(event, pushed));
        return pushed;
    }

    /**
     * What Azure's Event Grid wants to be answered before it posts anything else, so that it posts to nobody who does
     * not want it; empty if the notification is no such question ("Webhook event delivery", synchronous handshake).
     *
     * @throws InvalidContentException if it is too long or not JSON
     */
    public static Optional<String> validationCode(byte[] body) throws InvalidContentException {
        return events(body).stream()
                .filter(event -> eventType(event).equals(VALIDATION))
                .map(event -> text(event.path("data"), "validationCode"))
                .filter(code -> !code.isEmpty())
                .findFirst();
    }

    private static List<JsonNode> events(byte[] body) throws InvalidContentException {
        if (body.length > MAX_BYTES) {
            throw new InvalidContentException(
                    "notification of " + body.length + " bytes exceeds the limit of " + MAX_BYTES);
        }
        try {
            JsonNode root = OciJson.mapper().readTree(body);
            List<JsonNode> events = new ArrayList<>();
            if (root.isArray()) {
                root.forEach(events::add);
            } else {
                events.add(root);
            }
            return events;
        } catch (JacksonException e) {
            throw new InvalidContentException("notification is not readable JSON: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Whether a sender knows the secret, compared in constant time; {@code presented} may have the scheme
     * {@code Bearer}, in any case, before it.
     */
    public static boolean knowsSecret(String presented, String secret) {
        boolean scheme = presented.regionMatches(true, 0, BEARER, 0, BEARER.length());
        String bare = scheme ? presented.substring(BEARER.length()) : presented;
        return MessageDigest.isEqual(bare.getBytes(StandardCharsets.UTF_8), secret.getBytes(StandardCharsets.UTF_8));
    }

    private static void readOne(JsonNode root, Set<Pushed> pushed) {
        if (root.has("events")) {
            root.path("events").forEach(event -> distribution(event, pushed));
        } else if (root.has("event_data")) {
            if (text(root, "type").equals("PUSH_ARTIFACT")) {
                harbor(root.path("event_data"), pushed);
            }
        } else if (root.has("detail-type")) {
            ecr(root, pushed);
        } else if (root.has("push_data")) {
            add(pushed, text(root.path("repository"), "repo_name"), text(root.path("push_data"), "tag"));
        } else if (root.path("updated_tags").isArray()) {
            root.path("updated_tags").forEach(tag -> add(pushed, text(root, "repository"), tag.asString("")));
        } else if (root.has("data")) {
            cloudEvent(root, pushed);
        } else if (root.has("action")) {
            distribution(root, pushed);
        }
    }

    private static void distribution(JsonNode event, Set<Pushed> pushed) {
        JsonNode target = event.path("target");
        boolean push = switch (text(event, "action")) {
            case "push" -> isManifest(text(target, "mediaType"));
            // Of Azure's registry, with a type of its own; only whole charts are told of so.
            case "chart_push" -> true;
            default -> false;
        };
        if (push) {
            add(pushed, text(target, "repository"), text(target, "tag"));
        }
    }

    // Blobs are pushed as octet streams; an event that states no type is taken for one of a manifest.
    private static boolean isManifest(String type) {
        try {
            return type.isEmpty() || MediaType.parse(type).isManifest();
        } catch (InvalidNameException e) {
            return false;
        }
    }

    // For an artifact without a tag, Harbor repeats its digest as the tag.
    private static void harbor(JsonNode data, Set<Pushed> pushed) {
        String name = text(data.path("repository"), "repo_full_name");
        data.path("resources").forEach(resource -> add(pushed, name, text(resource, "tag")));
    }

    private static void ecr(JsonNode root, Set<Pushed> pushed) {
        JsonNode detail = root.path("detail");
        boolean push = text(root, "detail-type").equals("ECR Image Action")
                && text(detail, "action-type").equals("PUSH")
                && text(detail, "result").equals("SUCCESS");
        if (push) {
            add(pushed, text(detail, "repository-name"), text(detail, "image-tag"));
        }
    }

    private static void cloudEvent(JsonNode root, Set<Pushed> pushed) {
        switch (eventType(root)) {
            case "harbor.artifact.pushed" -> harbor(root.path("data"), pushed);
            case "Microsoft.ContainerRegistry.ImagePushed", "Microsoft.ContainerRegistry.ChartPushed" -> {
                JsonNode target = root.path("data").path("target");
                add(pushed, text(target, "repository"), text(target, "tag"));
            }
            default -> {}
        }
    }

    // A CloudEvent has the one, and what Event Grid posts in its own schema the other.
    private static String eventType(JsonNode event) {
        return text(event, "type") + text(event, "eventType");
    }

    private static void add(Set<Pushed> pushed, String repository, String tag) {
        try {
            Optional<Tag> named = tag.isEmpty() || tag.indexOf(':') >= 0 ? Optional.empty() : Optional.of(new Tag(tag));
            pushed.add(new Pushed(new RepositoryName(repository), named));
        } catch (InvalidNameException e) {
            // Not a name that anything here could be called.
        }
    }

    private static String text(JsonNode node, String property) {
        return node.path(property).asString("");
    }
}
