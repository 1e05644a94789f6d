package dev.entrepot.config;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The keys of {@code replication:}. */
final class ReplicationKeys {
    private static final Key<ReceiveConfig, Secret> RECEIVE_SECRET = Key.required(
            "secret",
            Types.SECRET,
            ReceiveConfig::secret,
            "What a sender must know, best as ${env:NAME}: as Authorization: Bearer, as key of a signature of the body, or, where it can send no header, as Docker Hub, in /notifications?secret=.");
    private static final Key<ReceiveConfig, Duration> DEBOUNCE = Key.withDefault(
            "debounce",
            Types.DURATION,
            "5s",
            ReceiveConfig::debounce,
            "How long to wait for more notifications before the rules that match are run.");
    private static final Section<ReceiveConfig> RECEIVE_SECTION = new Section<>(
            "receive",
            List.of(RECEIVE_SECRET, DEBOUNCE),
            values -> new ReceiveConfig(values.get(RECEIVE_SECRET), values.get(DEBOUNCE)));

    private static final Key<WebhookConfig, URI> URL =
            Key.required("url", UrlTypes.WEBHOOK, WebhookConfig::url, "Where events are posted.");
    private static final Key<WebhookConfig, Optional<Secret>> SECRET = Key.optional(
            "secret", Types.SECRET, WebhookConfig::secret, "Key of the signature header; unsigned without.");
    private static final Key<WebhookConfig, WebhookConfig.Format> FORMAT = Key.withDefault(
            "format",
            Types.word(WebhookConfig.Format.values()),
            "cloudevents",
            WebhookConfig::format,
            "CloudEvents 1.0, or the envelope of distribution's notifications.");
    private static final Section<WebhookConfig> WEBHOOK_SECTION = new Section<>(
            "webhook",
            List.of(URL, SECRET, FORMAT),
            values -> new WebhookConfig(values.get(URL), values.get(SECRET), values.get(FORMAT)));

    private static final Key<NotificationsConfig, Optional<ReceiveConfig>> RECEIVE = Key.optional(
            "receive",
            RECEIVE_SECTION,
            NotificationsConfig::receive,
            "Accepts notifications of pushes and runs the rules that match; they are refused without this key.");
    private static final Key<NotificationsConfig, List<WebhookConfig>> DELIVER = Key.list(
            "deliver",
            ListType.of(WEBHOOK_SECTION),
            NotificationsConfig::deliver,
            "Where events of this process are sent.");
    private static final Section<NotificationsConfig> NOTIFICATIONS_SECTION = new Section<>(
            "notifications",
            List.of(RECEIVE, DELIVER),
            values -> new NotificationsConfig(values.get(RECEIVE), values.get(DELIVER)));

    private static final Key<ReplicationConfig, List<ReplicationRuleConfig>> RULES = Key.list(
            "rules", ListType.of(RuleKeys.SECTION), ReplicationConfig::rules, "What is copied where, and when.");
    private static final Key<ReplicationConfig, NotificationsConfig> NOTIFICATIONS = Key.section(
            "notifications",
            NOTIFICATIONS_SECTION,
            ReplicationConfig::notifications,
            "Events that come in from registries and go out to others.");

    static final Section<ReplicationConfig> SECTION = new Section<>(
            "replication",
            List.of(RULES, NOTIFICATIONS),
            values -> new ReplicationConfig(distinct(values.get(RULES), values.reading()), values.get(NOTIFICATIONS)));

    private ReplicationKeys() {}

    private static List<ReplicationRuleConfig> distinct(List<ReplicationRuleConfig> rules, Reading reading) {
        Map<String, ReplicationRuleConfig> byName = new LinkedHashMap<>();
        for (ReplicationRuleConfig rule : rules) {
            ReplicationRuleConfig first = byName.putIfAbsent(rule.name(), rule);
            if (first != null) {
                reading.conflict(
                        ConfigNode.child(reading.pathOf(rule), "name"),
                        "the name " + rule.name() + " is that of " + reading.pathOf(first) + " too");
            }
        }
        return new ArrayList<>(byName.values());
    }
}
