package dev.entrepot.oci.client;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Turns the statuses of answers into exceptions: the one place where answers and outages are told apart. */
final class StatusErrors {
    private static final int MAX_ERROR_BYTES = 64 * 1024;
    private static final Pattern CODE = Pattern.compile("[A-Z_]{1,64}");
    private static final Set<String> MISSING = Set.of("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN");
    private static final Duration LONGEST_RETRY_AFTER = Duration.ofDays(7);

    private static final int MAX_WORDS = 1000;
    private static final Error NOTHING = new Error("", "", false);

    private final Clock clock;
    private final boolean ofServer;

    StatusErrors(Clock clock) {
        this(clock, false);
    }

    private StatusErrors(Clock clock, boolean ofServer) {
        this.clock = clock;
        this.ofServer = ofServer;
    }

    /**
     * The same for answers of a server of this program: what it says itself is part of the messages, and its 503 for
     * what a quota or rate does not let it do is told from that of a server that fails. Of others no word is repeated.
     */
    StatusErrors ofServer() {
        return new StatusErrors(clock, true);
    }

    /**
     * An error of a body.
     *
     * @param code its code; empty if it has none that may be repeated
     * @param words what it says for people
     * @param listed whether the body lists errors as a registry's does, whatever is in the list
     */
    private record Error(String code, String words, boolean listed) {}

    /** Whether a status says nothing about the content: 407 comes from a proxy on the way. */
    static boolean isOutage(int status) {
        return status == 407 || status == 408 || status == 429 || status >= 500;
    }

    /**
     * As above, whatever was asked for: 501 may say that this one thing is not done there, so whoever asked for it
     * decides.
     */
    static boolean isOutageOfAll(int status) {
        return isOutage(status) && status != 501;
    }

    /** What the status of an answer that is not wanted means. Reads the start of the body for its error code. */
    RegistryException failure(ApiResponse response) {
        int status = response.status();
        if (isOutage(status) || status < 400) {
            return outage(response);
        }
        Error error = error(response);
        if (status == 400 && isPage(response, error)) {
            return page(response);
        }
        String code = error.code();
        String message = message(response, error);
        return switch (status) {
            case 401, 403 -> new UnauthorizedException(status, message);
            case 404 -> new NotFoundException(kind(response.request().operation(), code), code, message);
            default -> new RefusedException(status, code, message);
        };
    }

    /** Whether this is a 400 of a web server before the registry. Reads the start of the body. */
    static boolean isOfAnother(ApiResponse response) {
        return response.status() == 400 && isPage(response, error(response));
    }

    /**
     * Whether a 400 is of a web server before the registry, which has not seen the request. What is read is refused in
     * the form of the specification, or not by the registry. Of {@code /v2/} where a client logs in, which some
     * registries answer in their own words, of writes, of blobs, which may come from a storage, and of HEAD, which has
     * no body, only a page for people is surely none of the registry's.
     */
    private static boolean isPage(ApiResponse response, Error error) {
        if (error.listed()) {
            return false;
        }
        if (response.request().method().equals("HEAD")) {
            return response.isHtml();
        }
        return switch (response.request().operation()) {
            case PING, CATALOG, TAGS, RESOLVE, MANIFEST, REFERRERS -> true;
            case ENTER, STAT_BLOB, BLOB, UPLOAD, MOUNT, PUSH_MANIFEST, DELETE_MANIFEST, TOKEN -> response.isHtml();
        };
    }

    /** As {@link #failure}, but a 404 is a refusal like any other. */
    RegistryException refusal(ApiResponse response) {
        if (response.status() != 404) {
            return failure(response);
        }
        Error error = error(response);
        return error.code().equals("NAME_UNKNOWN")
                ? new NotFoundException(NotFoundException.Kind.NAME, error.code(), message(response, error))
                : new RefusedException(404, error.code(), message(response, error));
    }

    /** What a 408, 429, 5xx or a status that makes no sense means. */
    OutageException outage(ApiResponse response) {
        Optional<Duration> retryAfter = retryAfter(response);
        Error error = ofServer ? error(response) : NOTHING;
        Reason reason = switch (response.status()) {
            case 408 -> Reason.TIMEOUT;
            case 429 -> Reason.RATE_LIMITED;
            case 503 -> error.code().equals("TOOMANYREQUESTS") ? Reason.RATE_LIMITED : Reason.SERVER_ERROR;
            default -> Reason.SERVER_ERROR;
        };
        String wait = ofServer && retryAfter.isPresent()
                ? "; it asks to be left alone for " + retryAfter.get().toSeconds() + " s"
                : "";
        return new OutageException(reason, message(response, error) + wait, retryAfter, null);
    }

    private static OutageException page(ApiResponse response) {
        return new OutageException(
                Reason.SERVER_ERROR,
                response.request().what() + ": " + response.request().host()
                        + " answered 400, not in the form of a registry: a client certificate that is missing or"
                        + " refused, or http:// to a TLS port?");
    }

    /** An answer of 200 that is a page for people, from a captive portal or a login wall. */
    OutageException html(ApiResponse response) {
        return new OutageException(
                Reason.SERVER_ERROR,
                response.request().what() + ": " + response.request().host() + " answered with an HTML page");
    }

    /** {@code Retry-After} in seconds or as a date (RFC 9110 section 10.2.3), at most a week. */
    Optional<Duration> retryAfter(ApiResponse response) {
        return response.header("Retry-After").flatMap(this::parseRetryAfter).map(StatusErrors::bounded);
    }

    private Optional<Duration> parseRetryAfter(String text) {
        if (text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Optional.of(text.length() > 9 ? LONGEST_RETRY_AFTER : Duration.ofSeconds(Long.parseLong(text)));
        }
        Instant now = clock.instant();
        return HttpDates.parse(text, now).map(date -> Duration.between(now, date));
    }

    private static Duration bounded(Duration duration) {
        if (duration.isNegative()) {
            return Duration.ZERO;
        }
        return duration.compareTo(LONGEST_RETRY_AFTER) > 0 ? LONGEST_RETRY_AFTER : duration;
    }

    private String message(ApiResponse response, Error error) {
        return response.sender() + " answered " + response.status()
                + (response.status() == 407 ? ": it wants a user and a password (https_proxy, or http_proxy)" : "")
                + (error.code().isEmpty() ? "" : " " + error.code())
                + (ofServer && !error.words().isEmpty() ? ": " + error.words() : "");
    }

    private static NotFoundException.Kind kind(Operation operation, String code) {
        if (code.equals("NAME_UNKNOWN")) {
            return NotFoundException.Kind.NAME;
        }
        return switch (operation) {
            case RESOLVE, MANIFEST, DELETE_MANIFEST -> NotFoundException.Kind.MANIFEST;
            case STAT_BLOB, BLOB -> NotFoundException.Kind.BLOB;
            case PING, ENTER, CATALOG, TAGS, REFERRERS, UPLOAD, MOUNT, PUSH_MANIFEST, TOKEN ->
                NotFoundException.Kind.NAME;
        };
    }

    /**
     * The error code of a body (distribution-spec, "Error Codes"), or empty: one that says that something is missing,
     * else the first.
     */
    static String errorCode(ApiResponse response) {
        return error(response).code();
    }

    private static Error error(ApiResponse response) {
        byte[] body = response.readDocumentLeniently(MAX_ERROR_BYTES);
        if (body.length == 0) {
            return NOTHING;
        }
        try {
            JsonNode list = OciJson.mapper().readTree(body).path("errors");
            List<Error> errors = list.valueStream()
                    .map(error -> new Error(
                            error.path("code").asString(""),
                            clean(error.path("message").asString("")),
                            list.isArray()))
                    .filter(error -> CODE.matcher(error.code()).matches())
                    .toList();
            // Distribution may complain of an invalid digest first, and then of the missing blob that this comes from.
            return errors.stream()
                    .filter(error -> MISSING.contains(error.code()))
                    .findFirst()
                    .orElseGet(() -> errors.isEmpty() ? new Error("", "", list.isArray()) : errors.getFirst());
        } catch (JacksonException e) {
            return NOTHING;
        }
    }

    // Of what an upstream has said there may be something in it.
    private static String clean(String words) {
        String printable = words.replaceAll("[\\p{Cntrl}\\p{Cf}]+", " ").strip();
        return printable.length() <= MAX_WORDS ? printable : printable.substring(0, MAX_WORDS) + "...";
    }
}
