package dev.entrepot.config;

/** How requests are logged. */
public enum AccessLogFormat {
    /** Not at all. */
    OFF,
    /** One line of text for each request. */
    TEXT,
    /** One JSON object for each request. */
    JSON
}
