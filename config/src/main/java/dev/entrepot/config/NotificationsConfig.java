package dev.entrepot.config;

import java.util.List;
import java.util.Optional;

/**
 * Events that come in from registries and go out to others.
 *
 * @param receive how notifications of pushes are accepted; they are refused without it
 * @param deliver where events of this process are sent
 */
public record NotificationsConfig(Optional<ReceiveConfig> receive, List<WebhookConfig> deliver) {
    /** Nothing is accepted and nothing is sent. */
    public static final NotificationsConfig NONE = new NotificationsConfig(Optional.empty(), List.of());

    /** Copies the list. */
    public NotificationsConfig {
        deliver = List.copyOf(deliver);
    }
}
