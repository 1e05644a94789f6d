package dev.entrepot.proxy.access;

import dev.entrepot.config.AdminAccessConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.Secret;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.proxy.admin.AdminApproach;
import dev.entrepot.proxy.admin.AdminGuard;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.Principal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Stands before the admin API, by password, token or certificate: those who read, those who change things, and the commands of this program on the same data folder, which may do both. Safe for all
 * threads.
 */
public final class AdminGate implements AdminGuard {
    private static final String CHALLENGE = "Basic realm=\"entrepot admin\"";

    private final AdminAccessConfig config;
    private final boolean open;
    private final Optional<Passwords> passwords;
    private final String local;

    private enum Right {
        NONE,
        READ,
        OPERATE
    }

    private AdminGate(AdminAccessConfig config, boolean open, Optional<Passwords> passwords, String local) {
        this.config = config;
        this.open = open;
        this.passwords = passwords;
        this.local = local;
    }

    /**
     * Reads what the configuration names.
     *
     * @param address where the admin API listens
     * @param files has the password file read again when it changes
     * @throws IOException if the password file cannot be read
     */
    public static AdminGate of(
            AdminAccessConfig config, ListenAddress address, WatchedFiles files, ClientAccess.World world)
            throws IOException {
        Optional<Passwords> passwords = Optional.empty();
        if (config.htpasswd().isPresent()) {
            PasswordFile file = new PasswordFile(config.htpasswd().get());
            files.add("the password file of the admin API", List.of(file.path()), file::read);
            passwords = Optional.of(new Passwords(file, world.secret(), world.nanoClock()));
        }
        return new AdminGate(config, config.isOpenAt(address), passwords, world.local());
    }

    @Override
    public void require(AdminApproach approach) throws AccessRefusedException {
        boolean changes = approach.changes();
        if (open || !changes && isOpen(approach.path())) {
            return;
        }
        Optional<String> authorization = approach.authorization();
        if (config.clientCertificates() == TlsConfig.ClientCertificates.REQUIRED
                && approach.certificate().isEmpty()
                && !isLocal(authorization)) {
            throw AccessRefusedException.denied("a certificate is required here");
        }
        Right shown = authorization.isPresent() ? right(authorization.get(), approach.client()) : Right.NONE;
        Right certified = approach.certificate().map(this::ofCertificate).orElse(Right.NONE);
        Right right = shown.compareTo(certified) > 0 ? shown : certified;
        if (right == Right.NONE) {
            throw config.isConfigured()
                    ? AccessRefusedException.unknown("say who you are", CHALLENGE)
                    : AccessRefusedException.denied(
                            "nobody may use this from here; server.admin-access of the configuration says who may");
        }
        if (changes && right != Right.OPERATE) {
            throw AccessRefusedException.denied("you may read here, and change nothing");
        }
    }

    private boolean isOpen(String path) {
        return config.open().stream()
                .anyMatch(what -> path.equals("/" + what.name().toLowerCase(Locale.ROOT)));
    }

    private boolean isLocal(Optional<String> authorization) {
        return authorization
                .flatMap(BasicCredentials::bearer)
                .filter(token -> isSame(token, local))
                .isPresent();
    }

    // The handshake has verified it, by the authorities that the configuration names.
    private Right ofCertificate(Principal subject) {
        return config.clientCa().isEmpty()
                ? Right.NONE
                : ClientGate.commonName(subject).map(this::ofUser).orElse(Right.NONE);
    }

    private Right ofUser(String user) {
        return config.operators().isEmpty() || config.operators().contains(user) ? Right.OPERATE : Right.READ;
    }

    private Right right(String authorization, ClientAddress client) throws AccessRefusedException {
        Optional<String> token = BasicCredentials.bearer(authorization);
        if (token.isPresent()) {
            return ofToken(token.get());
        }
        Optional<BasicCredentials> basic = BasicCredentials.of(authorization);
        if (basic.isEmpty() || passwords.isEmpty()) {
            return Right.NONE;
        }
        String user = basic.get().user();
        if (!passwords.get().isRight(user, basic.get().password(), client)) {
            return Right.NONE;
        }
        return ofUser(user);
    }

    private Right ofToken(String token) {
        boolean operates = isSame(token, local)
                | isSame(token, config.operateToken().map(Secret::reveal).orElse(""));
        boolean reads = isSame(token, config.readToken().map(Secret::reveal).orElse(""));
        return operates ? Right.OPERATE : reads ? Right.READ : Right.NONE;
    }

    private static boolean isSame(String shown, String wanted) {
        return !wanted.isEmpty()
                && MessageDigest.isEqual(
                        shown.getBytes(StandardCharsets.UTF_8), wanted.getBytes(StandardCharsets.UTF_8));
    }
}
