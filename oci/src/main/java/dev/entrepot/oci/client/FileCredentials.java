package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A name and password from a file, such as a mounted secret, read at each use so that it may be changed while the program runs. White
 * space at the end does not count.
 */
public final class FileCredentials implements CredentialSource {
    private static final int MAX_BYTES = 64 * 1024;

    private final Optional<String> username;
    private final Path file;

    private FileCredentials(Optional<String> username, Path file) {
        this.username = username;
        this.file = file;
    }

    /** A file that holds {@code name:password}. */
    public static FileCredentials ofPair(Path file) {
        return new FileCredentials(Optional.empty(), file);
    }

    /** A name, and a file that holds the password. */
    public static FileCredentials ofPassword(String username, Path file) {
        return new FileCredentials(Optional.of(username), file);
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        String text = read(file, MAX_BYTES).stripTrailing();
        if (username.isPresent()) {
            return Optional.of(new Credential.UserPassword(username.get(), text));
        }
        int colon = text.indexOf(':');
        if (colon <= 0) {
            throw new IOException(file + " does not hold name:password");
        }
        return Optional.of(new Credential.UserPassword(text.substring(0, colon), text.substring(colon + 1)));
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
