package dev.entrepot.config;

import java.time.Duration;
import java.util.Optional;

/**
 * How clients reach this process, and who they are.
 *
 * @param listen where the registry API listens
 * @param anonymous whether everybody may pull who reaches it on an address other than a loopback one, where nobody can
 *     say who he is
 * @param admin where health, metrics and the admin API listen
 * @param adminAccess who may use the admin API
 * @param adminTls the certificate of the admin API; plain HTTP without one
 * @param tls the certificate of the registry API; plain HTTP without one
 * @param authentication how clients of the registry API say who they are
 * @param drain how long running requests may go on after a stop was asked for
 * @param clientStall how long a client may take no byte before its connection is cut; more than 0
 * @param maxConnections connections of the registry API at one time, at least 1
 * @param maxConnectionsPerClient connections of one client's address at one time; 0 for as many as there are
 * @param clientRate how many requests one user at one address may make; without it, as many as it likes
 * @param accessLog how requests are logged
 * @param log what the process says of itself
 */
public record ServerConfig(
        ListenAddress listen,
        boolean anonymous,
        ListenAddress admin,
        AdminAccessConfig adminAccess,
        Optional<TlsConfig> adminTls,
        Optional<TlsConfig> tls,
        AuthenticationConfig authentication,
        Duration drain,
        Duration clientStall,
        int maxConnections,
        int maxConnectionsPerClient,
        Optional<ClientRateConfig> clientRate,
        AccessLogFormat accessLog,
        LogConfig log) {
    /**
     * Validates that the two addresses differ, that the limits are sane, and that nothing is open to other machines
     * that nobody asked to be.
     */
    public ServerConfig {
        boolean sameAddress = listen.overlaps(admin);
        new Contradictions()
                .refuseIf(
                        sameAddress,
                        "admin",
                        "an address other than that of listen, best another port",
                        "listen",
                        "admin")
                .check("drain", () -> Checks.notNegative("drain", drain))
                .check("client-stall", () -> Checks.positive("client-stall", clientStall))
                .check("max-connections", () -> Checks.between("max-connections", maxConnections, 1, 1_000_000))
                .check(
                        "max-connections-per-client",
                        () -> Checks.between("max-connections-per-client", maxConnectionsPerClient, 0, 1_000_000))
                .refuseIf(
                        !listen.isLoopback() && !anonymous && !knowsClients(authentication, tls),
                        "listen",
                        "a loopback address, because nobody can say who he is: for other machines add server.authentication,"
                                + " or server.anonymous: true to let everybody pull who reaches it")
                .refuseIf(
                        adminAccess.clientCa().isPresent() && adminTls.isEmpty(),
                        "admin-tls",
                        "the certificate of the admin API, which clients' need")
                .refuseIf(
                        !adminAccess.isDecidedFor(admin) && !sameAddress,
                        "admin",
                        "a loopback address: for other machines say in server.admin-access who may use it, what of it is"
                                + " open, or anonymous: true")
                .end();
    }

    /** Whether any client of the registry API can say who it is. */
    public boolean knowsClients() {
        return knowsClients(authentication, tls);
    }

    private static boolean knowsClients(AuthenticationConfig authentication, Optional<TlsConfig> tls) {
        return authentication.isConfigured() || tls.flatMap(TlsConfig::clientCa).isPresent();
    }

    /** This, listening somewhere else. */
    public ServerConfig withListen(ListenAddress address) {
        return new ServerConfig(
                address,
                anonymous,
                admin,
                adminAccess,
                adminTls,
                tls,
                authentication,
                drain,
                clientStall,
                maxConnections,
                maxConnectionsPerClient,
                clientRate,
                accessLog,
                log);
    }
}
