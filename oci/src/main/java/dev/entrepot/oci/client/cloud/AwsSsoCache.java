package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.StoredLogin;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The file in which AWS's tools keep the login of one session, {@code ~/.aws/sso/cache/<sha1>.json}; the hash is of the
 * session's name, or of the start URL of a profile without one. It is shared with those tools, so what is renewed is
 * written back: a refresh token may be good for one use.
 *
 * @param file the file
 */
record AwsSsoCache(Path file) {
    private static final Logger LOG = LoggerFactory.getLogger(AwsSsoCache.class);
    /** The end of a login whose file does not say it in a form that is known: over. */
    static final Instant NO_END = Instant.EPOCH;

    // A file aside that is the same for a second is of a process that was killed.
    private static final int BETWEEN_LOOKS_MILLIS = 10;
    private static final int LOOKS_AT_ONE = 100;
    private static final int LOOKS = 1_000;

    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    /** The file of a session. */
    static AwsSsoCache of(Path home, String session) {
        try {
            // SHA-1 names the file and protects nothing.
            byte[] hash = MessageDigest.getInstance("SHA-1").digest(session.getBytes(StandardCharsets.UTF_8));
            return new AwsSsoCache(
                    home.resolve("sso").resolve("cache").resolve(HexFormat.of().formatHex(hash) + ".json"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime has SHA-1", e);
        }
    }

    /**
     * What it holds; empty if it is not there.
     *
     * @throws IOException if it cannot be read, or holds something else; shows nothing of it
     */
    Optional<StoredLogin> read() throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode root = json();
        String token = Answers.text(root, "accessToken")
                .filter(text -> text.chars().allMatch(c -> c > ' ' && c < 127))
                .orElseThrow(() -> new IOException(file + " has no access token"));
        return Optional.of(new StoredLogin(
                token,
                time(root, "expiresAt").orElse(NO_END),
                Answers.text(root, "clientId"),
                Answers.text(root, "clientSecret"),
                time(root, "registrationExpiresAt"),
                Answers.text(root, "refreshToken")));
    }

    /**
     * Writes a renewed login beside what else the file holds, readable by its owner alone. Where that fails (a folder
     * that is mounted for reading) it is said in the log, since AWS's tools then have to log in anew.
     */
    void write(StoredLogin renewed) {
        Path aside = file.resolveSibling(file.getFileName() + ".entrepot");
        boolean made = false;
        try {
            make(aside);
            made = true;
            if (!(json() instanceof ObjectNode root)) {
                throw new IOException(file + " is no JSON object");
            }
            root.put("accessToken", renewed.accessToken());
            root.put(
                    "expiresAt",
                    renewed.expiresAt().truncatedTo(ChronoUnit.SECONDS).toString());
            renewed.refreshToken().ifPresent(token -> root.put("refreshToken", token));
            Files.write(aside, OciJson.mapper().writeValueAsBytes(root), StandardOpenOption.TRUNCATE_EXISTING);
            keepOwner(aside);
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("the renewed login cannot be written to {}, and is kept in memory: {}", file, e.toString());
            if (made) {
                remove(aside);
            }
        }
    }

    // Whoever makes it has it alone until it is renamed: another process, whose login ends at the same moment, waits.
    private static void make(Path aside) throws IOException {
        Object other = aside;
        int seen = 0;
        for (int looks = 1; ; looks++) {
            try {
                Files.createFile(aside, OWNER_ONLY);
                return;
            } catch (FileAlreadyExistsException e) {
                if (looks == LOOKS) {
                    throw e;
                }
                BasicFileAttributes there;
                try {
                    there = Files.readAttributes(aside, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                } catch (NoSuchFileException renamed) {
                    continue;
                }
                Object which = List.of(Optional.ofNullable(there.fileKey()), there.lastModifiedTime());
                seen = which.equals(other) ? seen + 1 : 1;
                other = which;
                if (seen == LOOKS_AT_ONE || !there.isRegularFile()) {
                    Files.deleteIfExists(aside); // of one that was killed, or of somebody else
                } else {
                    pause();
                }
            }
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(BETWEEN_LOOKS_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while another process wrote it");
        }
    }

    // Root may renew the login of somebody else, who is to read it later. Nobody but root can give a file away.
    private void keepOwner(Path aside) {
        try {
            Files.setOwner(aside, Files.getOwner(file));
        } catch (IOException | UnsupportedOperationException e) {
            LOG.debug("{} gets another owner: {}", file, e.toString());
        }
    }

    // It may hold the new tokens.
    private static void remove(Path aside) {
        try {
            Files.deleteIfExists(aside);
        } catch (IOException e) {
            LOG.warn("{} cannot be deleted: {}", aside, e.toString());
        }
    }

    private JsonNode json() throws IOException {
        try {
            return OciJson.mapper().readTree(Answers.file(file));
        } catch (JacksonException e) {
            // The cause would quote the file.
            throw new IOException(file + " is not JSON");
        }
    }

    // Former tools wrote "2020-06-17T19:56:31UTC", others write "+0000" for Z.
    private static Optional<Instant> time(JsonNode root, String property) {
        try {
            return Answers.text(root, property)
                    .map(text -> text.replaceFirst("UTC$", "Z").replaceFirst("([+-][0-9]{2})([0-9]{2})$", "$1:$2"))
                    .map(text -> OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
