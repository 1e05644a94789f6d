package dev.entrepot.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of {@code server:}. */
final class ServerKeys {
    private static final Key<TlsConfig, Path> CERTIFICATE = Key.required(
            "certificate", Types.FILE, TlsConfig::certificate, "PEM file with the certificate and its chain.");
    private static final Key<TlsConfig, Path> KEY =
            Key.required("key", Types.FILE, TlsConfig::key, "PEM file with the private key.");
    private static final Section<TlsConfig> TLS_SECTION = new Section<>(
            "certificate of the server",
            List.of(CERTIFICATE, KEY),
            values -> new TlsConfig(values.get(CERTIFICATE), values.get(KEY)));

    private static final Key<ServerConfig, ListenAddress> LISTEN = Key.withDefault(
            "listen", Types.LISTEN, "127.0.0.1:5000", ServerConfig::listen, "Where the registry API listens.");
    private static final Key<ServerConfig, ListenAddress> ADMIN = Key.withDefault(
            "admin",
            Types.LISTEN,
            "127.0.0.1:5001",
            ServerConfig::admin,
            "Where health, metrics and the admin API listen. Keep it away from strangers.");
    private static final Key<ServerConfig, Optional<TlsConfig>> TLS = Key.optional(
            "tls", TLS_SECTION, ServerConfig::tls, "The certificate of the registry API; plain HTTP without one.");
    private static final Key<ServerConfig, Duration> DRAIN = Key.withDefault(
            "drain",
            Types.DURATION,
            "30s",
            ServerConfig::drain,
            "How long running requests may go on after a stop was asked for.");
    private static final Key<ServerConfig, Duration> CLIENT_STALL = Key.withDefault(
            "client-stall",
            Types.DURATION_NOT_ZERO,
            "1m",
            ServerConfig::clientStall,
            "How long a client may take no byte before its connection is cut.");
    private static final Key<ServerConfig, Integer> MAX_CONNECTIONS = Key.withDefault(
            "max-connections",
            Types.integer(1, 1_000_000),
            "10000",
            ServerConfig::maxConnections,
            "Connections of the registry API at one time.");
    private static final Key<ServerConfig, AccessLogFormat> ACCESS_LOG = Key.withDefault(
            "access-log",
            Types.word(AccessLogFormat.values()),
            "text",
            ServerConfig::accessLog,
            "How requests are logged: not at all, as a line of text, or as a JSON object each.");

    static final Section<ServerConfig> SECTION = new Section<>(
            "server",
            List.of(LISTEN, ADMIN, TLS, DRAIN, CLIENT_STALL, MAX_CONNECTIONS, ACCESS_LOG),
            values -> new ServerConfig(
                    values.get(LISTEN),
                    values.get(ADMIN),
                    values.get(TLS),
                    values.get(DRAIN),
                    values.get(CLIENT_STALL),
                    values.get(MAX_CONNECTIONS),
                    values.get(ACCESS_LOG)));

    private ServerKeys() {}
}
