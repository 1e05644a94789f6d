package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A password or token from a file, such as a mounted secret, read at each use so that it may be changed while the
 * program runs. White space at the end does not count. A file that cannot be read, or is empty, leaves what it held
 * before in effect, with a line in the log. Safe for all threads.
 */
public final class FileCredentials implements CredentialSource {
    private static final Logger LOG = LoggerFactory.getLogger(FileCredentials.class);
    private static final int MAX_BYTES = 64 * 1024;

    private final String account;
    private final Path file;
    private final Function<String, Credential> kind;
    private volatile Optional<String> former = Optional.empty();
    private volatile Optional<String> problem = Optional.empty();

    private FileCredentials(String account, Path file, Function<String, Credential> kind) {
        this.account = account;
        this.file = file;
        this.kind = kind;
    }

    /** A name, and a file that holds the password. */
    public static FileCredentials ofPassword(String username, Path file) {
        return new FileCredentials(username, file, secret -> new Credential.UserPassword(username, secret));
    }

    /** A file that holds a refresh token. */
    public static FileCredentials ofIdentityToken(Path file) {
        return new FileCredentials("identity token in " + file.getFileName(), file, Credential.IdentityToken::new);
    }

    /** A file that holds an access token. */
    public static FileCredentials ofBearerToken(Path file) {
        return new FileCredentials("access token in " + file.getFileName(), file, Credential.BearerToken::new);
    }

    /**
     * Reads such a file once, before anything goes by it.
     *
     * @throws IOException if it cannot be read, or is empty
     */
    public static void requireSecret(Path file) throws IOException {
        if (read(file, MAX_BYTES).isBlank()) {
            throw new IOException(file + " is empty: write the password or token into it");
        }
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        return Optional.of(kind.apply(secret()));
    }

    private String secret() throws IOException {
        try {
            String now = read(file, MAX_BYTES).stripTrailing();
            if (now.isEmpty()) {
                throw new IOException(file + " is empty");
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

    /** The text of a file of at most {@code limit} bytes. */
    static String read(Path file, int limit) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new IOException(file + " is larger than " + limit + " bytes");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    @Override
    public String toString() {
        return "FileCredentials[" + file + "]";
    }
}
