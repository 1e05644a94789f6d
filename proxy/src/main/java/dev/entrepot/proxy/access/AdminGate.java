package dev.entrepot.proxy.access;

import dev.entrepot.config.AdminAccessConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.Secret;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.proxy.admin.AdminApproach;
import dev.entrepot.proxy.admin.AdminGuard;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.proxy.admin.SecretJudge;
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
 * Stands before the admin API, by password, token or certificate: those who read, those who change things, and the
 * commands of this program on the same data folder, which may do both. Safe for all threads.
 */
public final class AdminGate implements AdminGuard, SecretJudge {
    private static final String CHALLENGE = "Basic realm=\"entrepot admin\"";

    private final AdminAccessConfig config;
    private final boolean open;
    private final Optional<Passwords> passwords;
    private final GuessLimit guesses;
    private final String local;

    private enum Right {
        NONE,
        READ,
        OPERATE
    }

    /** Who somebody has shown to be, and what that lets him do. */
    private record Shown(Right right, String who) {
        static final Shown NOBODY = new Shown(Right.NONE, "nobody");
    }

    private AdminGate(
            AdminAccessConfig config, boolean open, Optional<Passwords> passwords, GuessLimit guesses, String local) {
        this.config = config;
        this.open = open;
        this.passwords = passwords;
        this.guesses = guesses;
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
        GuessLimit guesses = new GuessLimit(world.secret(), world.nanoClock());
        Optional<Passwords> passwords = Optional.empty();
        if (config.htpasswd().isPresent()) {
            WatchedFiles.Contents before =
                    WatchedFiles.contents(List.of(config.htpasswd().get()));
            PasswordFile file = new PasswordFile(config.htpasswd().get());
            files.add("the password file of the admin API", before, file::read);
            passwords = Optional.of(new Passwords(file, guesses, world.nanoClock()));
        }
        return new AdminGate(config, config.isOpenAt(address), passwords, guesses, world.local());
    }

    /** What bounds wrong passwords and tokens at the admin API. */
    public GuessLimit guesses() {
        return guesses;
    }

    /** How often a password of the admin API was checked against its hash. */
    public long passwordChecks() {
        return passwords.map(Passwords::checks).orElse(0L);
    }

    @Override
    public String require(AdminApproach approach) throws AccessRefusedException {
        boolean changes = approach.changes();
        if (open || !changes && isOpen(approach.path())) {
            return ANYBODY;
        }
        Optional<String> authorization = approach.authorization();
        if (config.clientCertificates() == TlsConfig.ClientCertificates.REQUIRED
                && approach.certificate().isEmpty()
                && !isLocal(authorization)) {
            throw AccessRefusedException.denied("a certificate is required here");
        }
        Shown shown = approach.certificate().map(this::ofCertificate).orElse(Shown.NOBODY);
        if (shown.right() != Right.OPERATE && authorization.isPresent()) {
            Shown authorized = authorized(authorization.get(), approach.client());
            shown = authorized.right().compareTo(shown.right()) > 0 ? authorized : shown;
        }
        if (shown.right() == Right.NONE) {
            authorization.ifPresent(_ -> guesses.refused());
            throw config.isConfigured()
                    ? AccessRefusedException.unknown("say who you are", CHALLENGE)
                    : AccessRefusedException.denied(
                            "nobody may use this from here; server.admin-access of the configuration says who may");
        }
        if (changes && shown.right() != Right.OPERATE) {
            throw AccessRefusedException.denied("you may read here, and change nothing");
        }
        return shown.who();
    }

    @Override
    public Judgement judge(AdminRequest request, boolean right, String... shown) {
        try {
            GuessLimit.Try attempt = guesses.begin(guesses.key(shown), request.client());
            if (right) {
                attempt.right();
                return Judgement.RIGHT;
            }
            attempt.wrong();
            guesses.refused();
            return Judgement.WRONG;
        } catch (AccessRefusedException e) {
            return Judgement.TOO_MANY;
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
    private Shown ofCertificate(Principal subject) {
        return config.clientCa().isEmpty()
                ? Shown.NOBODY
                : ClientGate.commonName(subject).map(this::ofUser).orElse(Shown.NOBODY);
    }

    private Shown ofUser(String user) {
        boolean operates = config.operators().isEmpty() || config.operators().contains(user);
        return new Shown(operates ? Right.OPERATE : Right.READ, user);
    }

    private Shown authorized(String authorization, ClientAddress client) throws AccessRefusedException {
        Optional<String> token = BasicCredentials.bearer(authorization);
        if (token.isPresent()) {
            return ofToken(token.get(), client);
        }
        Optional<BasicCredentials> basic = BasicCredentials.of(authorization);
        if (basic.isEmpty() || passwords.isEmpty()) {
            return Shown.NOBODY;
        }
        String user = basic.get().user();
        if (!passwords.get().isRight(user, basic.get().password(), client)) {
            return Shown.NOBODY;
        }
        return ofUser(user);
    }

    private Shown ofToken(String token, ClientAddress client) throws AccessRefusedException {
        if (isSame(token, local)) {
            return new Shown(Right.OPERATE, LocalCommand.VISITOR.user());
        }
        GuessLimit.Try attempt = guesses.begin(guesses.key("token", token), client);
        boolean operates =
                isSame(token, config.operateToken().map(Secret::reveal).orElse(""));
        boolean reads = isSame(token, config.readToken().map(Secret::reveal).orElse(""));
        if (!operates && !reads) {
            attempt.wrong();
            return Shown.NOBODY;
        }
        attempt.right();
        return operates ? new Shown(Right.OPERATE, "(operate-token)") : new Shown(Right.READ, "(read-token)");
    }

    private static boolean isSame(String shown, String wanted) {
        return !wanted.isEmpty()
                && MessageDigest.isEqual(
                        shown.getBytes(StandardCharsets.UTF_8), wanted.getBytes(StandardCharsets.UTF_8));
    }
}
