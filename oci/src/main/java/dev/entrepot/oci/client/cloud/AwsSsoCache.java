package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The file in which AWS's tools keep the login of one session, {@code ~/.aws/sso/cache/<sha1>.json}; the hash is of the session's name, or of the start URL
 * of a profile without one. It is shared with those tools, so what is renewed is written back: a refresh token may be good for one use.
 *
 * @param file the file
 */
record AwsSsoCache(Path file) {
    private static final Logger LOG = LoggerFactory.getLogger(AwsSsoCache.class);
    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    /**
     * A login.
     *
     * @param accessToken what the portal wants to see
     * @param expiresAt when that is good for nothing
     * @param clientId the tool that logged in, as it is registered
     * @param clientSecret its secret
     * @param registrationExpiresAt when that registration ends, where it says so
     * @param refreshToken what another access token is given for
     */
    record Entry(
            String accessToken,
            Instant expiresAt,
            Optional<String> clientId,
            Optional<String> clientSecret,
            Optional<Instant> registrationExpiresAt,
            Optional<String> refreshToken) {
        /** Whether there is all that a renewal needs. */
        boolean isRenewableAt(Instant now) {
            return clientId.isPresent()
                    && clientSecret.isPresent()
                    && refreshToken.isPresent()
                    && registrationExpiresAt.filter(end -> !now.isBefore(end)).isEmpty();
        }

        /** This after a renewal; the refresh token stays where no other was given. */
        Entry with(String newToken, Instant newEnd, Optional<String> newRefreshToken) {
            return new Entry(
                    newToken,
                    newEnd,
                    clientId,
                    clientSecret,
                    registrationExpiresAt,
                    newRefreshToken.or(() -> refreshToken));
        }

        @Override
        public String toString() {
            return "Entry[until " + expiresAt + "]";
        }
    }

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
    Optional<Entry> read() throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode root = json();
        String token = Answers.text(root, "accessToken")
                .filter(text -> text.chars().allMatch(c -> c > ' ' && c < 127))
                .orElseThrow(() -> new IOException(file + " has no access token"));
        return Optional.of(new Entry(
                token,
                time(root, "expiresAt").orElse(Instant.MIN),
                Answers.text(root, "clientId"),
                Answers.text(root, "clientSecret"),
                time(root, "registrationExpiresAt"),
                Answers.text(root, "refreshToken")));
    }

    /**
     * Writes a renewed login beside what else the file holds, readable by this user alone. Where that fails (a folder that is mounted for reading) it is
     * said in the log, since AWS's tools then have to log in anew.
     */
    void write(Entry renewed) {
        Path aside = file.resolveSibling(file.getFileName() + ".entrepot");
        try {
            if (!(json() instanceof ObjectNode root)) {
                throw new IOException(file + " is no JSON object");
            }
            root.put("accessToken", renewed.accessToken());
            root.put(
                    "expiresAt",
                    renewed.expiresAt().truncatedTo(ChronoUnit.SECONDS).toString());
            renewed.refreshToken().ifPresent(token -> root.put("refreshToken", token));
            Files.deleteIfExists(aside);
            Files.createFile(aside, OWNER_ONLY);
            Files.write(aside, OciJson.mapper().writeValueAsBytes(root), StandardOpenOption.TRUNCATE_EXISTING);
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("the renewed login cannot be written to {}, and is kept in memory: {}", file, e.toString());
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

    // Former tools wrote "2020-06-17T19:56:31UTC".
    private static Optional<Instant> time(JsonNode root, String property) {
        try {
            return Answers.text(root, property)
                    .map(text ->
                            OffsetDateTime.parse(text.replaceFirst("UTC$", "Z")).toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
