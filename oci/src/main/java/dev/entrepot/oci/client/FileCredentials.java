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
 * program runs. What counts of it is what {@link SecretFile} says; a token is one line, and a password may have
 * several, as the key file of a Google service account has. A file that cannot be read, is empty or holds what cannot
 * be sent leaves what it held before in effect, with a line in the log. Safe for all threads.
 */
public final class FileCredentials implements CredentialSource {
    private static final Logger LOG = LoggerFactory.getLogger(FileCredentials.class);
    private static final int MAX_BYTES = 64 * 1024;

    private final String account;
    private final Path file;
    private final Function<String, Credential> kind;
    private final boolean password;
    private final boolean bearer;
    private volatile Optional<String> former = Optional.empty();
    private volatile Optional<String> problem = Optional.empty();

    private FileCredentials(
            String account, Path file, Function<String, Credential> kind, boolean password, boolean bearer) {
        this.account = account;
        this.file = file;
        this.kind = kind;
        this.password = password;
        this.bearer = bearer;
    }

    /** A name, and a file that holds the password. */
    public static FileCredentials ofPassword(String username, Path file) {
        return new FileCredentials(
                username, file, secret -> new Credential.UserPassword(username, secret), true, false);
    }

    /** A file that holds a refresh token. */
    public static FileCredentials ofIdentityToken(Path file) {
        return new FileCredentials(
                "identity token in " + file.getFileName(), file, Credential.IdentityToken::new, false, false);
    }

    /** A file that holds an access token. */
    public static FileCredentials ofBearerToken(Path file) {
        return new FileCredentials(
                "access token in " + file.getFileName(), file, Credential.BearerToken::new, false, true);
    }

    /**
     * Reads a file with an access token once, before anything goes by it.
     *
     * @throws IOException if it cannot be read, is empty, or holds what no header field can carry
     */
    public static void requireBearerToken(Path file) throws IOException {
        requireSendable(file, readLine(file));
    }

    /**
     * The secret in a file.
     *
     * @throws IOException if it cannot be read or is empty; names the file and shows nothing of it
     */
    public static String read(Path file) throws IOException {
        String secret = SecretFile.read(file, MAX_BYTES);
        if (secret.isBlank()) {
            throw new IOException(file + " is empty: write the password or token into it");
        }
        return secret;
    }

    /**
     * The secret in a file, of a kind that has no line breaks.
     *
     * @throws IOException if it cannot be read, is empty, or is more than one line; names the file and shows nothing of
     *     it
     */
    public static String readLine(Path file) throws IOException {
        String secret = read(file);
        if (secret.chars().anyMatch(Character::isISOControl)) {
            throw new IOException(
                    file + " holds a line break or another control character besides the line break at its"
                            + " end: write the token into it as one line, and nothing else");
        }
        return secret;
    }

    private static void requireSendable(Path file, String token) throws IOException {
        if (!token.strip().equals(token)) {
            throw new IOException(file + " holds a blank before or after the token: take it out");
        }
        // What is more than a byte would be sent as a question mark.
        if (token.chars().anyMatch(c -> c > '~')) {
            throw new IOException(file + " holds characters that are not ASCII: write the token as it was given out");
        }
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        return Optional.of(kind.apply(secret()));
    }

    private String secret() throws IOException {
        try {
            String now = password ? read(file) : readLine(file);
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
