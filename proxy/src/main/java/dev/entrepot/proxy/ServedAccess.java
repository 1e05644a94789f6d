package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.proxy.access.AdminGate;
import dev.entrepot.proxy.access.ClientAccess;
import dev.entrepot.proxy.access.ClientGate;
import dev.entrepot.proxy.access.LocalCommand;
import dev.entrepot.proxy.access.WatchedFiles;
import dev.entrepot.proxy.admin.Metrics;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands before both ports of a server: its certificate, its users, and the files with them, which are read again
 * when they change.
 */
final class ServedAccess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServedAccess.class);

    private final ServerConfig server;
    private final WatchedFiles files = new WatchedFiles();
    private final String localToken;
    private final ClientAccess clients;
    private final AdminGate admin;
    private final Optional<ReloadedContext> certificate;
    private final Optional<ReloadedContext> adminCertificate;
    private final RefusedCertificates refused = new RefusedCertificates("registry", System::nanoTime);
    private final RefusedCertificates adminRefused = new RefusedCertificates("admin", System::nanoTime);
    private volatile Runnable adminChanged = () -> {};

    /**
     * Reads what the configuration names.
     *
     * @throws IOException if a file cannot be read; the message names it
     */
    ServedAccess(EntrepotConfig config, InstantSource clock) throws IOException {
        this.server = config.server();
        SecureRandom random = new SecureRandom();
        this.localToken = LocalCommand.token(random);
        ClientAccess.World world = new ClientAccess.World(clock, System::nanoTime, random, localToken);
        this.certificate = watched(server.tls(), refused, "the certificate", clock, () -> {});
        this.adminCertificate = watched(
                ofAdmin(server), adminRefused, "the certificate of the admin API", clock, () -> adminChanged.run());
        this.clients = new ClientAccess(config, files, world);
        this.admin = AdminGate.of(server.adminAccess(), server.admin(), files, world);
    }

    /** The certificate of the admin API, and whose certificates its clients may show. */
    static Optional<TlsConfig> ofAdmin(ServerConfig server) {
        // Who shows none is refused by the gate, not in the handshake: the commands on the data folder have none to
        // show.
        return server.adminTls()
                .map(tls -> new TlsConfig(
                        tls.certificate(),
                        tls.key(),
                        server.adminAccess().clientCa(),
                        TlsConfig.ClientCertificates.OPTIONAL));
    }

    private Optional<ReloadedContext> watched(
            Optional<TlsConfig> config, RefusedCertificates notes, String what, InstantSource clock, Runnable changed)
            throws IOException {
        if (config.isEmpty()) {
            return Optional.empty();
        }
        TlsConfig tls = config.get();
        WatchedFiles.Contents before = WatchedFiles.contents(filesOf(tls));
        ReloadedContext shown = new ReloadedContext(load(tls, notes, what, clock));
        files.add(what, before, () -> {
            shown.replace(load(tls, notes, what, clock));
            changed.run();
        });
        return Optional.of(shown);
    }

    private static ServerCertificate load(TlsConfig tls, RefusedCertificates notes, String what, InstantSource clock)
            throws IOException {
        ServerCertificate certificate = ServerCertificate.load(tls, notes);
        if (certificate.notAfter().isBefore(clock.instant())) {
            LOG.warn(
                    "{} in {} has expired at {}: clients refuse it; put a new one, with its key, in its place",
                    what,
                    tls.certificate(),
                    certificate.notAfter());
        }
        return certificate;
    }

    /** The certificate of the admin API to begin with. */
    Optional<Tls> adminTls() {
        return adminCertificate.map(ReloadedContext::tls);
    }

    /** The fingerprint of the certificate that the admin API shows now. */
    Optional<Digest> adminFingerprint() {
        return adminCertificate.map(shown -> shown.current().fingerprint());
    }

    /** Has this done whenever the admin API has begun to show another certificate. */
    void whenAdminCertificateChanges(Runnable action) {
        adminChanged = action;
    }

    /** The certificate to begin with. */
    Optional<Tls> tls() {
        return certificate.map(ReloadedContext::tls);
    }

    /** What stands before the registry API. */
    ClientGate gate() {
        return clients.gate();
    }

    /** What stands before the admin API. */
    AdminGate adminGuard() {
        return admin;
    }

    /** What commands on the data folder show. */
    String localToken() {
        return localToken;
    }

    /** What could not be read again when it changed. */
    Optional<String> problem() {
        List<String> problems = files.problems();
        return problems.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", problems));
    }

    /** Begins to look at the files. */
    void watch() {
        files.start();
    }

    private static List<Path> filesOf(TlsConfig tls) {
        List<Path> paths = new ArrayList<>(List.of(tls.certificate(), tls.key()));
        tls.clientCa().ifPresent(paths::add);
        return paths;
    }

    /** Registers what is counted here. */
    void register(Metrics metrics) {
        metrics.counterFrom(
                "entrepot_clients_identified_total",
                "Requests whose client proved who it is.",
                () -> gate().identified());
        ofListeners(
                metrics,
                "entrepot_authentication_failures_total",
                "Requests with a wrong password or token, or at the admin port a wrong secret of notifications.",
                () -> gate().failed(),
                admin.guesses()::refusals);
        ofListeners(
                metrics,
                "entrepot_tls_refused_total",
                "Certificates of clients that were refused in the handshake of TLS.",
                refused::count,
                adminRefused::count);
        metrics.counterFrom(
                "entrepot_access_refused_total",
                "Requests that were denied by the rules of access; who is only asked who he is does not count.",
                () -> gate().refused());
        metrics.counterFrom(
                "entrepot_password_checks_total",
                "Passwords checked against their hash, which is dear; what was right is remembered.",
                () -> clients.passwordChecks() + admin.passwordChecks());
        ofListeners(
                metrics,
                "entrepot_passwords_throttled_total",
                "Passwords and tokens not looked at, because too many wrong ones had come from the same address.",
                clients.guesses()::throttled,
                admin.guesses()::throttled);
        metrics.counterFrom(
                "entrepot_files_reloads_total",
                "Changed certificates and password files read again.",
                files::succeeded);
        metrics.counterFrom(
                "entrepot_files_reload_failures_total",
                "Changed certificates and password files that could not be read again.",
                files::failed);
        metrics.gauge(
                "entrepot_files_outdated",
                "1 while a certificate or password file cannot be read and the former is in effect.",
                () -> problem().isPresent() ? 1 : 0);
        metrics.gauges(
                "entrepot_certificate_expiry_timestamp_seconds",
                "When the certificate that a port shows expires, in seconds since 1970.",
                List.of("listener"),
                () -> Stream.concat(expiry("registry", certificate), expiry("admin", adminCertificate))
                        .toList());
    }

    private static void ofListeners(
            Metrics metrics, String name, String help, LongSupplier registry, LongSupplier admin) {
        metrics.counters(
                name,
                help,
                List.of("listener"),
                () -> List.of(
                        new Metrics.Sample(List.of("registry"), registry.getAsLong()),
                        new Metrics.Sample(List.of("admin"), admin.getAsLong())));
    }

    private static Stream<Metrics.Sample> expiry(String listener, Optional<ReloadedContext> shown) {
        return shown.stream()
                .map(now -> new Metrics.Sample(
                        List.of(listener), now.current().notAfter().getEpochSecond()));
    }

    @Override
    public void close() {
        files.close();
        clients.close();
    }
}
