package dev.entrepot.proxy.access;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** An htpasswd file, of which the last good content counts. Safe for all threads. */
public final class PasswordFile {
    private final Path path;
    private volatile Htpasswd current;

    /**
     * Reads the file.
     *
     * @throws IOException if it cannot be read, is not of that form, or has no user in it, as one that was never
     *     written
     */
    public PasswordFile(Path path) throws IOException {
        this.path = path;
        this.current = content(path);
        if (current.isEmpty()) {
            throw new IOException(
                    "the password file " + path + " has no user in it: add one with htpasswd -B " + path + " NAME");
        }
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /**
     * Reads it again. If that fails, what was read before still counts. It may have no user any more: whoever takes the
     * last one out means it.
     *
     * @throws IOException if it cannot be read, or is not of that form
     */
    public void read() throws IOException {
        current = content(path);
    }

    private static Htpasswd content(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return Htpasswd.parse(in.readNBytes(Htpasswd.MAX_BYTES + 1));
        } catch (IOException e) {
            throw new IOException("the password file " + path + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** The hash of a user's password. */
    Optional<String> hashOf(String user) {
        return current.hashOf(user);
    }

    /** Hashes that no password has, which together are as much dearer to check as the dearest is than this one. */
    List<String> restTo(String hash) {
        return current.restTo(hash);
    }

    /** A hash that no password has, as dear to check as the others. */
    String nobodys() {
        return current.nobodys();
    }
}
