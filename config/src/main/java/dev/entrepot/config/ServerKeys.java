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
    private static final Key<TlsConfig, Optional<Path>> CLIENT_CA = Key.optional(
            "client-ca",
            Types.FILE,
            TlsConfig::clientCa,
            "PEM file with the authorities of clients' certificates. With it, the common name of a client's certificate is its user.");
    private static final Key<TlsConfig, TlsConfig.ClientCertificates> CLIENT_CERTIFICATES = Key.withDefault(
            "client-certificates",
            Types.word(TlsConfig.ClientCertificates.values()),
            "optional",
            TlsConfig::clientCertificates,
            "Whether a client may or must have a certificate, where client-ca is set.");
    private static final Section<TlsConfig> TLS_SECTION = new Section<>(
            "certificate of the server",
            List.of(CERTIFICATE, KEY, CLIENT_CA, CLIENT_CERTIFICATES),
            values -> new TlsConfig(
                    values.get(CERTIFICATE), values.get(KEY), values.get(CLIENT_CA), values.get(CLIENT_CERTIFICATES)));
    private static final Section<TlsConfig> ADMIN_TLS_SECTION = new Section<>(
            "certificate of the admin API",
            List.of(CERTIFICATE, KEY),
            values -> TlsConfig.of(values.get(CERTIFICATE), values.get(KEY)));
    private static final Key<ClientRateConfig, Integer> PER_SECOND = Key.required(
            "per-second",
            Types.integer(1, 1_000_000),
            ClientRateConfig::perSecond,
            "Requests each second, in the long run.");
    private static final Key<ClientRateConfig, Integer> BURST =
            Key.required("burst", Types.integer(1, 1_000_000), ClientRateConfig::burst, "Requests at once.");
    private static final Section<ClientRateConfig> RATE_SECTION = new Section<>(
            "rate of requests",
            List.of(PER_SECOND, BURST),
            values -> new ClientRateConfig(values.get(PER_SECOND), values.get(BURST)));

    private static final Key<ServerConfig, ListenAddress> LISTEN = Key.withDefault(
            "listen", Types.LISTEN, "127.0.0.1:5000", ServerConfig::listen, "Where the registry API listens.");
    private static final Key<ServerConfig, Boolean> ANONYMOUS = Key.withDefault(
            "anonymous",
            Types.BOOL,
            "false",
            ServerConfig::anonymous,
            "Whether everybody may pull who reaches it, although listen is no loopback address and there is no authentication.");
    private static final Key<ServerConfig, AdminAccessConfig> ADMIN_ACCESS = Key.section(
            "admin-access",
            AdminAccessKeys.SECTION,
            ServerConfig::adminAccess,
            "Who may use the admin API. Without any of these keys everybody may who reaches it, and it must listen on a loopback address.");
    private static final Key<ServerConfig, AuthenticationConfig> AUTHENTICATION = Key.section(
            "authentication",
            AuthenticationKeys.SECTION,
            ServerConfig::authentication,
            "How clients say who they are. What each may pull is said in access.");
    private static final Key<ServerConfig, Integer> MAX_CONNECTIONS_PER_CLIENT = Key.withDefault(
            "max-connections-per-client",
            Types.integer(0, 1_000_000),
            "0",
            ServerConfig::maxConnectionsPerClient,
            "Connections of the registry API from one address at one time; 0 for no limit of its own.");
    private static final Key<ServerConfig, Optional<ClientRateConfig>> CLIENT_RATE = Key.optional(
            "client-rate",
            RATE_SECTION,
            ServerConfig::clientRate,
            "How many requests one user may make from one address, or one address of clients without a name; what is above is answered 429. No limit without it.");
    private static final Key<ServerConfig, ListenAddress> ADMIN = Key.withDefault(
            "admin",
            Types.LISTEN,
            "127.0.0.1:5001",
            ServerConfig::admin,
            "Where health, metrics and the admin API listen. Keep it away from strangers.");
    private static final Key<ServerConfig, Optional<TlsConfig>> ADMIN_TLS = Key.optional(
            "admin-tls",
            ADMIN_TLS_SECTION,
            ServerConfig::adminTls,
            "The certificate of the admin API; plain HTTP without one. Files that change are read again.");
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
            "12000",
            ServerConfig::maxConnections,
            "Connections of the registry API at one time.");
    private static final Key<ServerConfig, AccessLogFormat> ACCESS_LOG = Key.withDefault(
            "access-log",
            Types.word(AccessLogFormat.values()),
            "text",
            ServerConfig::accessLog,
            "How requests are logged: not at all, as a line of text, or as a JSON object each.");
    private static final Key<ServerConfig, LogConfig> LOG = Key.section(
            "log",
            LogKeys.SECTION,
            ServerConfig::log,
            "What the process says on standard error. The log of requests is access-log, on standard output.");

    static final Section<ServerConfig> SECTION = new Section<>(
            "server",
            List.of(
                    LISTEN,
                    ANONYMOUS,
                    ADMIN,
                    ADMIN_ACCESS,
                    ADMIN_TLS,
                    TLS,
                    AUTHENTICATION,
                    DRAIN,
                    CLIENT_STALL,
                    MAX_CONNECTIONS,
                    MAX_CONNECTIONS_PER_CLIENT,
                    CLIENT_RATE,
                    ACCESS_LOG,
                    LOG),
            values -> new ServerConfig(
                    values.get(LISTEN),
                    values.get(ANONYMOUS),
                    values.get(ADMIN),
                    values.get(ADMIN_ACCESS),
                    values.get(ADMIN_TLS),
                    values.get(TLS),
                    values.get(AUTHENTICATION),
                    values.get(DRAIN),
                    values.get(CLIENT_STALL),
                    values.get(MAX_CONNECTIONS),
                    values.get(MAX_CONNECTIONS_PER_CLIENT),
                    values.get(CLIENT_RATE),
                    values.get(ACCESS_LOG),
                    values.get(LOG)));

    private ServerKeys() {}
}
