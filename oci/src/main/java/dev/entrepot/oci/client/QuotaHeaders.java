package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the header fields of an answer say of a quota: those of Docker Hub, {@code 100;w=21600}, of the drafts of the
 * IETF's httpapi group, and their {@code X-} forms. A field that makes no sense is as if it were not there.
 *
 * @param limit requests in a window, at least 1
 * @param remaining requests left
 * @param window length of the window
 * @param reset when the window ends, in the future
 * @param source who is counted, an address or an account
 */
record QuotaHeaders(
        OptionalLong limit,
        OptionalLong remaining,
        Optional<Duration> window,
        Optional<Instant> reset,
        Optional<String> source) {
    private static final Duration LONGEST_WINDOW = Duration.ofDays(7);
    // Times since 1970 have been larger since 2001, spans of at most a week are smaller.
    private static final long LEAST_EPOCH_SECOND = 1_000_000_000;
    private static final Pattern ITEM = Pattern.compile("\\s*([0-9]{1,12})\\s*(?:;\\s*w\\s*=\\s*([0-9]{1,9})\\s*)?");
    private static final Pattern SOURCE = Pattern.compile("[0-9A-Za-z.:_/-]{1,64}");

    /** Nothing. */
    static final QuotaHeaders NONE = new QuotaHeaders(
            OptionalLong.empty(), OptionalLong.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    private record Item(long value, Optional<Duration> window) {}

    /** Reads the fields of an answer. */
    static QuotaHeaders of(ApiResponse response, Instant now) {
        Optional<Item> limit = field(response, "Limit").filter(item -> item.value() >= 1);
        Optional<Item> remaining = field(response, "Remaining");
        return new QuotaHeaders(
                number(limit),
                number(remaining),
                limit.flatMap(Item::window).or(() -> remaining.flatMap(Item::window)),
                field(response, "Reset").flatMap(item -> reset(item.value(), now)),
                response.header("docker-ratelimit-source")
                        .filter(text -> SOURCE.matcher(text).matches()));
    }

    private static OptionalLong number(Optional<Item> item) {
        return item.map(Item::value).map(OptionalLong::of).orElse(OptionalLong.empty());
    }

    private static Optional<Item> field(ApiResponse response, String what) {
        return response.header("RateLimit-" + what)
                .or(() -> response.header("X-RateLimit-" + what))
                .or(() -> response.header("X-Rate-Limit-" + what))
                .flatMap(QuotaHeaders::firstItem);
    }

    // A list names the limit that is nearest, then all policies: "10, 10;w=1, 50;w=60".
    private static Optional<Item> firstItem(String text) {
        String[] parts = text.split(",", 10);
        Optional<Item> first = item(parts[0]);
        for (int i = 1;
                i < parts.length && first.isPresent() && first.get().window().isEmpty();
                i++) {
            Optional<Item> policy = item(parts[i]);
            if (policy.isPresent() && policy.get().value() == first.get().value()) {
                first = policy;
            }
        }
        return first;
    }

    private static Optional<Item> item(String text) {
        Matcher matcher = ITEM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Optional<Duration> window = Optional.ofNullable(matcher.group(2))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)))
                .filter(duration -> duration.isPositive() && duration.compareTo(LONGEST_WINDOW) <= 0);
        return Optional.of(new Item(Long.parseLong(matcher.group(1)), window));
    }

    private static Optional<Instant> reset(long value, Instant now) {
        Instant at = value >= LEAST_EPOCH_SECOND ? Instant.ofEpochSecond(value) : now.plusSeconds(value);
        return Optional.of(at).filter(instant -> instant.isAfter(now) && !instant.isAfter(now.plus(LONGEST_WINDOW)));
    }

    /** This, with another time in the place of the reset. */
    QuotaHeaders at(UnaryOperator<Instant> times) {
        return new QuotaHeaders(limit, remaining, window, reset.map(times), source);
    }

    /** Whether the answer says that there is a quota, whatever is left of it. */
    boolean namesQuota() {
        return limit.isPresent() || source.isPresent();
    }
}
