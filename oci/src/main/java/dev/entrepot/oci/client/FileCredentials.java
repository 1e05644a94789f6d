package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.SecretFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A password or token from a file, such as a mounted secret, read at each use so that it may be changed while the
 * program runs. What counts of it is what {@link SecretFile} says; it is one line. A file that cannot be read, is empty
 * or holds what cannot be sent leaves what it held before in effect, with a line in the log. Safe for all threads.
 */
public final class FileCredentials implements CredentialSource {
    private static final Logger LOG = LoggerFactory.getLogger(FileCredentials.class);
    private static final int MAX_BYTES = 64 * 1024;
    private static final String AT_THE_START = ": write the password or token into it";

    private final String account;
    private final Path file;
    private final Function<String, Credential> kind;
    private final boolean bearer;
    private volatile Optional<String> former = Optional.empty();
    private volatile Optional<String> problem = Optional.empty();

    private FileCredentials(String account, Path file, Function<String, Credential> kind, boolean bearer) {
        this.account = account;
        this.file = file;
        this.kind = kind;
        this.bearer = bearer;
    }

    /** A name, and a file that holds the password. */
    public static FileCredentials ofPassword(String username, Path file) {
        return new FileCredentials(username, file, secret -> new Credential.UserPassword(username, secret), false);
    }

    /** A file that holds a refresh token. */
    public static FileCredentials ofIdentityToken(Path file) {
        return new FileCredentials(
                "identity token in " + file.getFileName(), file, Credential.IdentityToken::new, false);
    }

    /** A file that holds an access token. */
    public static FileCredentials ofBearerToken(Path file) {
        return new FileCredentials("access token in " + file.getFileName(), file, Credential.BearerToken::new, true);
    }

    /**
     * Reads such a file once, before anything goes by it.
     *
     * @throws IOException if it cannot be read, is empty, or is more than one line
     */
    public static void requireSecret(Path file) throws IOException {
        read(file, AT_THE_START);
    }

    /**
     * Reads a file with an access token once, before anything goes by it.
     *
     * @throws IOException if it cannot be read, is empty, or holds what no header field can carry
     */
    public static void requireBearerToken(Path file) throws IOException {
        requireSendable(file, read(file, AT_THE_START));
    }

    /**
     * The secret in a file.
     *
     * @throws IOException if it cannot be read, is empty, or is more than one line; names the file and shows nothing of
     *     it
     */
    public static String read(Path file) throws IOException {
        return read(file, "");
    }

    private static String read(Path file, String remedyIfEmpty) throws IOException {
        String secret = SecretFile.read(file, MAX_BYTES);
        if (secret.isBlank()) {
            throw new IOException(file + " is empty" + remedyIfEmpty);
        }
        if (secret.chars().anyMatch(Character::isISOControl)) {
            throw new IOException(
                    file + " holds a line break or another control character besides the line break at its"
                            + " end: write the password or token into it as one line, and nothing else");
        }
        return secret;
    }

    private static void requireSendable(Path file, String token) throws IOException {
        if (!token.strip().equals(token)) {
            throw new IOException(file + " holds a blank before or after the token: take it out");
        }
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        return Optional.of(kind.apply(secret()));
    }

    private String secret() throws IOException {
        try {
            String now = read(file);
            if (bearer) {
                requireSendable(file, now);
            }
            former = Optional.of(now);
            problem = Optional.empty();
            return now;
        } catch (IOException e) {
            Optional<String> before = former;
            if (before.isEmpty()) {
                throw e;
            }
            Optional<String> said = Optional.of(e.toString());
            if (!said.equals(problem)) {
                problem = said;
                LOG.warn("{} cannot be read again, and what it held before stays in effect: {}", file, e.toString());
            }
            return before.get();
        }
    }

    @Override
    public Optional<String> account() {
        return Optional.of(account);
    }

    @Override
    public String toString() {
        return "FileCredentials[" + file + "]";
    }
}
