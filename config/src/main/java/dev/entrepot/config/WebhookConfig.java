package dev.entrepot.config;

import java.net.URI;
import java.util.Optional;

/**
 * A place that events are sent to.
 *
 * @param url where they are posted
 * @param secret key of the signature header; unsigned without
 * @param format how they are written
 */
public record WebhookConfig(URI url, Optional<Secret> secret, Format format) {
    /** How an event is written. */
    public enum Format {
        /** CloudEvents 1.0, structured mode, JSON. */
        CLOUDEVENTS,
        /** The envelope of distribution's notifications. */
        DISTRIBUTION
    }
}
