package dev.entrepot.oci.client;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.Optional;

/** Reads dates of header fields, in all three forms that a recipient has to know (RFC 9110 section 5.6.7). */
final class HttpDates {
    // C's asctime, which has a space for the first digit of a day that has one digit.
    private static final DateTimeFormatter ASCTIME =
            DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss uuuu", Locale.ENGLISH);
    // A year of two digits that seems to be further ahead is one of the century before.
    private static final int MOST_YEARS_AHEAD = 50;

    private HttpDates() {}

    /**
     * The time that a date names; empty if it has none of the forms, or names a day of the week that it was not.
     *
     * @param now decides about the century of a year of two digits
     */
    static Optional<Instant> parse(String text, Instant now) {
        return parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                .or(() -> parse(text, rfc850(now)))
                .or(() -> parse(text, ASCTIME.withZone(ZoneOffset.UTC)));
    }

    private static Optional<Instant> parse(String text, DateTimeFormatter form) {
        try {
            return Optional.of(ZonedDateTime.parse(text, form).toInstant());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static DateTimeFormatter rfc850(Instant now) {
        int first = LocalDateTime.ofInstant(now, ZoneOffset.UTC).getYear() + MOST_YEARS_AHEAD - 99;
        return new DateTimeFormatterBuilder()
                .appendPattern("EEEE, dd-MMM-")
                .appendValueReduced(ChronoField.YEAR, 2, 2, first)
                .appendPattern(" HH:mm:ss 'GMT'")
                .toFormatter(Locale.ENGLISH)
                .withZone(ZoneOffset.UTC);
    }
}
