package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads what services answer and what files and variables hold, without believing more of it than is needed. */
final class Answers {
    private static final int MAX_FILE_BYTES = 256 * 1024;
    private static final Duration LONGEST_LIFE = Duration.ofHours(24);
    private static final Duration DEFAULT_LIFE = Duration.ofMinutes(5);

    private Answers() {}

    /** A text of an object, if it is there and is not empty. */
    static Optional<String> text(JsonNode object, String property) {
        JsonNode value = object.path(property);
        return value.isString() && !value.stringValue().isEmpty() ? Optional.of(value.stringValue()) : Optional.empty();
    }

    /**
     * A token, which is to be put into a header field or a form.
     *
     * @throws OutageException if it is missing or could break out of one
     */
    static String token(ServiceRequest request, JsonNode object, String property) throws OutageException {
        return text(object, property)
                .filter(value -> value.chars().allMatch(c -> c > ' ' && c < 127))
                .orElseThrow(() -> ServiceClient.unusable(request));
    }

    /**
     * The end of a life that is stated in seconds, as a number or, as Azure does, as a text; five minutes where it is
     * not.
     */
    static Instant endOf(JsonNode seconds, Instant asked) {
        long life = 0;
        if (seconds.isNumber()) {
            life = seconds.asLong(0);
        } else if (seconds.isString() && seconds.stringValue().matches("[0-9]{1,9}")) {
            life = Long.parseLong(seconds.stringValue());
        }
        Duration duration = life <= 0 ? DEFAULT_LIFE : Duration.ofSeconds(Math.min(life, LONGEST_LIFE.toSeconds()));
        return asked.plus(duration);
    }

    /**
     * The end of what is good for a while from when it was asked for, at most a day; five minutes where that is not
     * known, or is over.
     */
    static Instant endOf(Optional<Duration> left, Instant asked) {
        return left.filter(duration -> duration.isPositive())
                .map(duration -> bounded(asked.plus(duration), asked))
                .orElse(asked.plus(DEFAULT_LIFE));
    }

    /**
     * A time as seconds since 1970, with or without a fraction, at most a day ahead; five minutes ahead where it is
     * none.
     */
    static Instant epoch(JsonNode seconds, Instant asked) {
        if (!seconds.isNumber()) {
            return asked.plus(DEFAULT_LIFE);
        }
        double value = seconds.asDouble(0);
        boolean plausible = value > 0 && value < 1e11;
        return plausible ? bounded(Instant.ofEpochSecond((long) value), asked) : asked.plus(DEFAULT_LIFE);
    }

    private static Instant bounded(Instant end, Instant asked) {
        Instant latest = asked.plus(LONGEST_LIFE);
        return end.isAfter(latest) ? latest : end;
    }

    /**
     * The text of a file, without white space around it, read at each use since others write it anew.
     *
     * @throws IOException if it cannot be read or is too large; names the file and shows nothing of it
     */
    static String file(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
            if (bytes.length > MAX_FILE_BYTES) {
                throw new IOException(file + " is larger than " + MAX_FILE_BYTES + " bytes");
            }
            return new String(bytes, StandardCharsets.UTF_8).strip();
        }
    }

    /**
     * A URL out of a variable, with at least the path {@code /}, and its host in small letters: as it is signed, so it
     * is sent.
     *
     * @throws IOException if it is none; shows nothing of it
     */
    static URI url(String variable, String text) throws IOException {
        try {
            URI url = inSmallLetters(URI.create(text));
            if (url.getHost() != null) {
                return url.getRawPath() == null || url.getRawPath().isEmpty() ? url.resolve("/") : url;
            }
        } catch (IllegalArgumentException e) {
            throw new IOException(variable + " is no URL");
        }
        throw new IOException(variable + " is no URL");
    }

    private static URI inSmallLetters(URI url) {
        String host = url.getHost();
        if (host == null) {
            return url;
        }
        String text = url.toString();
        String user = url.getRawUserInfo();
        int start = text.indexOf(host, text.indexOf("//") + 2 + (user == null ? 0 : user.length()));
        return URI.create(
                text.substring(0, start) + host.toLowerCase(Locale.ROOT) + text.substring(start + host.length()));
    }
}
