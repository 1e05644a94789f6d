package dev.entrepot.config;

import java.time.Duration;
import java.util.Optional;

/**
 * How clients reach this process.
 *
 * @param listen where the registry API listens
 * @param admin where health, metrics and the admin API listen
 * @param tls the certificate of the registry API; plain HTTP without one
 * @param drain how long running requests may go on after a stop was asked for
 * @param clientStall how long a client may take no byte before its connection is cut; more than 0
 * @param maxConnections connections of the registry API at one time, at least 1
 * @param accessLog how requests are logged
 */
public record ServerConfig(
        ListenAddress listen,
        ListenAddress admin,
        Optional<TlsConfig> tls,
        Duration drain,
        Duration clientStall,
        int maxConnections,
        AccessLogFormat accessLog) {
    /** Validates that the two addresses differ and that the limits are sane. */
    public ServerConfig {
        if (listen.equals(admin) && listen.port() != 0) {
            throw new InvalidValueException("admin", "an address other than that of listen");
        }
        Checks.notNegative("drain", drain);
        Checks.positive("client-stall", clientStall);
        Checks.between("max-connections", maxConnections, 1, 1_000_000);
    }
}
