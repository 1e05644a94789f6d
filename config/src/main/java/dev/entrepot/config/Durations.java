package dev.entrepot.config;

import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times as the file has them: {@code 300ms}, {@code 30s}, {@code 5m}, {@code 1h30m}, {@code 7d}. */
final class Durations {
    /** What the text may be. */
    static final String ALLOWED = "a time with units (ms s m h d), for example 300ms, 30s, 1h30m or 7d";
    /** The grammar, for editors. */
    static final String GRAMMAR = "(?=[0-9])([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?";
    /** The longest time: ten years, so that no arithmetic in nanoseconds overflows. */
    static final Duration LONGEST = Duration.ofDays(3650);

    private static final Pattern TEXT = Pattern.compile(GRAMMAR);
    private static final List<String> UNITS = List.of("d", "h", "m", "s", "ms");
    private static final List<Duration> LENGTHS = List.of(
            Duration.ofDays(1),
            Duration.ofHours(1),
            Duration.ofMinutes(1),
            Duration.ofSeconds(1),
            Duration.ofMillis(1));

    private Durations() {}

    /**
     * Parses a time.
     *
     * @throws InvalidValueException if the text is none, or longer than {@link #LONGEST}
     */
    static Duration parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidValueException("", ALLOWED);
        }
        Duration sum = Duration.ZERO;
        for (int i = 0; i < UNITS.size(); i++) {
            String part = matcher.group(i + 1);
            if (part != null) {
                long count = Long.parseLong(
                        part.substring(0, part.length() - UNITS.get(i).length()));
                sum = sum.plus(LENGTHS.get(i).multipliedBy(count));
            }
        }
        if (sum.compareTo(LONGEST) > 0) {
            throw new InvalidValueException("", "a time of at most 3650d");
        }
        return sum;
    }

    /** The time in a form that {@link #parse} takes, to the millisecond. */
    static String format(Duration duration) {
        StringBuilder text = new StringBuilder();
        long millis = duration.toMillis();
        for (int i = 0; i < UNITS.size(); i++) {
            long length = LENGTHS.get(i).toMillis();
            if (millis >= length) {
                text.append(millis / length).append(UNITS.get(i));
                millis %= length;
            }
        }
        return text.isEmpty() ? "0s" : text.toString();
    }
}
