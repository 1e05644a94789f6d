package dev.entrepot.proxy.replication;

import dev.entrepot.config.Redaction;

/** Something was asked for that makes no sense here; the message says what would. */
public final class BadRequestException extends Exception {
    /** With what is wrong, and the remedy. What was asked for may be quoted: a password in it is not shown. */
    public BadRequestException(String message) {
        super(Redaction.of(message));
    }
}
