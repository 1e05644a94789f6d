package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A password from a file, such as a mounted secret, read at each use so that it may be changed while the program runs. White
 * space at the end does not count.
 */
public final class FileCredentials implements CredentialSource {
    private static final int MAX_BYTES = 64 * 1024;

    private final String username;
    private final Path file;

    private FileCredentials(String username, Path file) {
        this.username = username;
        this.file = file;
    }

    /** A name, and a file that holds the password. */
    public static FileCredentials ofPassword(String username, Path file) {
        return new FileCredentials(username, file);
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        return Optional.of(
                new Credential.UserPassword(username, read(file, MAX_BYTES).stripTrailing()));
    }

    @Override
    public Optional<String> account() {
        return Optional.of(username);
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
