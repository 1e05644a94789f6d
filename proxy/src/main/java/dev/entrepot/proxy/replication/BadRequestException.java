package dev.entrepot.proxy.replication;

/** Something was asked for that makes no sense here; the message says what would. */
public final class BadRequestException extends Exception {
    /** With what is wrong, and the remedy. */
    public BadRequestException(String message) {
        super(message);
    }
}
