package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReceiveConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.proxy.admin.SecretJudge;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.events.EventFormats;
import dev.entrepot.replicator.events.PushNotifications;
import dev.entrepot.replicator.events.Pushed;
import dev.entrepot.replicator.schedule.ReplicationScheduler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Takes in what registries post when something was pushed, and has the rules run that match. Who posts proves that it
 * knows the secret: by {@code Authorization}, with or without {@code Bearer}, or by a signature of the body,
 * {@code sha256=} and the HMAC in hexadecimal. A secret in the query of the address, where there may be logs on the
 * way, is looked at only where neither came: who can send no header has nothing else. Wrong ones count with those of
 * the rest of the admin API. Who wants to be sure first that it is expected here is told so, by the same secret.
 */
final class NotificationReceiver {
    private static final String GITHUB_SIGNATURE_HEADER = "X-Hub-Signature-256";
    private static final String SECRET = "secret=";
    private static final String NOTIFICATION = "notification";
    private static final Pattern ORIGIN = Pattern.compile("[A-Za-z0-9._:-]{1,255}");

    private final Optional<ReceiveConfig> config;
    private final Replication replication;
    private final ReplicationScheduler scheduler;
    private final SecretJudge judge;

    /**
     * A secret that came whole.
     *
     * @param as what came, and where
     * @param meanings what it may be meant to be
     */
    private record Shown(List<String> as, List<String> meanings) {
        boolean knows(String secret) {
            boolean knows = false;
            for (String meaning : meanings) {
                // Each is compared: how long that takes does not tell which one was meant.
                knows |= PushNotifications.knowsSecret(meaning, secret);
            }
            return knows;
        }
    }

    NotificationReceiver(
            Optional<ReceiveConfig> config,
            Replication replication,
            ReplicationScheduler scheduler,
            SecretJudge judge) {
        this.judge = judge;
        this.config = config;
        this.replication = replication;
        this.scheduler = scheduler;
    }

    /** Refuses what comes without a secret, or with a wrong one, before its body has come. */
    Optional<AdminReply> refusal(AdminRequest request) {
        if (config.isEmpty()) {
            return Optional.of(notAccepted());
        }
        Optional<Shown> shown = shown(request);
        if (shown.isEmpty()) {
            return signature(request).isEmpty() ? Optional.of(notAuthentic()) : Optional.empty();
        }
        String secret = config.get().secret().reveal();
        return judged(request, shown.get().knows(secret), shown.get().as().toArray(String[]::new));
    }

    // Docker Hub sets no header and signs nothing: all that its webhooks have is their URL.
    private static Optional<Shown> shown(AdminRequest request) {
        return request.header()
                .apply("Authorization")
                .map(header -> new Shown(List.of("notification", header), List.of(header)))
                .or(() -> signature(request).isEmpty() ? inQuery(request.query()) : Optional.empty());
    }

    // Percent-encoded, or pasted as it is: + would be a space then, and & the beginning of another parameter.
    private static Optional<Shown> inQuery(String query) {
        int at = ("&" + query).indexOf("&" + SECRET);
        if (at < 0) {
            return Optional.empty();
        }
        String rest = query.substring(at + SECRET.length());
        int end = rest.indexOf('&');
        String raw = end < 0 ? rest : rest.substring(0, end);
        return Optional.of(new Shown(List.of("notification in the query", rest), List.of(decoded(raw), raw, rest)));
    }

    private static String decoded(String raw) {
        try {
            return AdminRequest.parameter(SECRET + raw, "secret").orElse(raw);
        } catch (IllegalArgumentException e) {
            return raw;
        }
    }

    private Optional<AdminReply> judged(AdminRequest request, boolean right, String... shown) {
        return switch (judge.judge(request, right, shown)) {
            case RIGHT -> Optional.empty();
            case WRONG -> Optional.of(notAuthentic());
            case TOO_MANY ->
                Optional.of(AdminReply.error(
                        429, "too many wrong passwords, tokens or secrets came from this address; try again later"));
        };
    }

    /** Answers a notification. */
    AdminReply receive(AdminRequest request) throws IOException {
        if (config.isEmpty()) {
            return notAccepted();
        }
        Optional<AdminReply> refusal =
                signedWrongly(request, config.get().secret().reveal());
        if (refusal.isPresent()) {
            return refusal.get().refused();
        }
        try {
            Optional<String> code = PushNotifications.validationCode(request.body());
            if (code.isPresent()) {
                return validated(code.get());
            }
            Set<Pushed> pushed = PushNotifications.read(request.body());
            return accepted(pushed.size(), run(pushed, config.get()));
        } catch (InvalidContentException e) {
            return AdminReply.error(400, String.valueOf(e.getMessage()));
        }
    }

    private static AdminReply validated(String code) {
        ObjectNode json = OciJson.mapper().createObjectNode().put("validationResponse", code);
        return new AdminReply(200, json.toString());
    }

    /**
     * Answers a sender that asks whether it may post here (CloudEvents 1.0, "HTTP 1.1 Web Hooks", section 4), as Event
     * Grid does. There is no body that it could have signed, so that it has to show the secret.
     */
    AdminReply permission(AdminRequest request) {
        Optional<AdminReply> refusal =
                config.isPresent() && shown(request).isEmpty() ? Optional.of(notAuthentic()) : refusal(request);
        if (refusal.isPresent()) {
            return refusal.get().refused();
        }
        Optional<String> origin = request.header()
                .apply("WebHook-Request-Origin")
                .filter(name -> ORIGIN.matcher(name).matches());
        return origin.map(NotificationReceiver::permitted)
                .orElseGet(() -> AdminReply.error(
                        400, "say who is to post, by a host name in WebHook-Request-Origin, or post a notification"));
    }

    private static AdminReply permitted(String origin) {
        return new AdminReply(
                200,
                OciJson.mapper().createObjectNode().toString(),
                AdminReply.Outcome.DONE,
                Map.of("Allow", "POST", "WebHook-Allowed-Origin", origin, "WebHook-Allowed-Rate", "*"));
    }

    private static AdminReply notAccepted() {
        return AdminReply.error(
                404, "notifications are not accepted here; set replication.notifications.receive.secret");
    }

    private static AdminReply notAuthentic() {
        return AdminReply.error(
                401,
                "send the secret of replication.notifications.receive as Authorization: Bearer, or sign the body: "
                        + EventFormats.SIGNATURE_HEADER
                        + ": sha256=HMAC, or, where a sender can do neither, as Docker Hub, post to /notifications?secret=..., percent-encoded");
    }

    private static Optional<String> signature(AdminRequest request) {
        return request.header()
                .apply(EventFormats.SIGNATURE_HEADER)
                .or(() -> request.header().apply(GITHUB_SIGNATURE_HEADER));
    }

    // What came with a secret was refused before its body, or not at all.
    private Optional<AdminReply> signedWrongly(AdminRequest request, String secret) {
        if (shown(request).isPresent()) {
            return refusal(request);
        }
        String signature = signature(request).orElse("");
        String expected = EventFormats.signature(request.body(), secret);
        boolean right = MessageDigest.isEqual(
                signature.getBytes(StandardCharsets.UTF_8), expected.getBytes(StandardCharsets.US_ASCII));
        String body = Digest.sha256(request.body()).toString();
        return judged(request, right, "signature", signature, body);
    }

    private ArrayNode run(Set<Pushed> pushed, ReceiveConfig receive) throws IOException {
        ArrayNode names = OciJson.mapper().createArrayNode();
        Optional<IOException> failure = Optional.empty();
        for (ReplicationRule rule : replication.rules()) {
            BiPredicate<RepositoryName, Optional<Tag>> concerns = rule.pushFilter();
            boolean concerned = pushed.stream().anyMatch(push -> concerns.test(push.repository(), push.tag()));
            if (concerned) {
                names.add(rule.name());
                try {
                    run(rule.name(), receive);
                } catch (IOException e) {
                    failure = failure.or(() -> Optional.of(e));
                }
            }
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
        return names;
    }

    // Who posts is told that it is accepted, so a server that stops before all is done makes up for it. Where that
    // cannot be written down, the rule runs all the same, and who posts is told that it failed.
    private void run(String rule, ReceiveConfig receive) throws IOException {
        try {
            replication.journal().runs().owe(rule, NOTIFICATION);
        } finally {
            scheduler.runSoonForNews(rule, receive.debounce(), NOTIFICATION);
        }
    }

    private static AdminReply accepted(int pushes, ArrayNode rules) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("pushes", pushes);
        json.set("rules", rules);
        return new AdminReply(
                202, json.toString(), rules.isEmpty() ? AdminReply.Outcome.NOTHING : AdminReply.Outcome.DONE);
    }
}
