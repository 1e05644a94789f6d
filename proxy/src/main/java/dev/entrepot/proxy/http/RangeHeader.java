package dev.entrepot.proxy.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The ranges that a client asks for (RFC 9110 section 14.2), before the size of the blob is known.
 *
 * @param specs the ranges in the client's order; at least one
 */
record RangeHeader(List<Spec> specs) {
    /** Most ranges of one request: lazy pullers send up to this many in one header and halve their number on a 400. */
    static final int MAX_RANGES = 1024;

    // Ten times as much is more than a long can be.
    private static final long TOO_LARGE = Long.MAX_VALUE / 10;

    /**
     * One range. Either a first byte and perhaps a last one, or the length of a suffix.
     *
     * @param first offset of the first byte; -1 for a suffix
     * @param last offset of the last byte or {@link Long#MAX_VALUE}; for a suffix, its length
     */
    record Spec(long first, long last) {
        boolean isSuffix() {
            return first < 0;
        }
    }

    /** Some bytes of a blob: from {@code first} to {@code last}, both inclusive. */
    record Span(long first, long last) {
        long length() {
            return last - first + 1;
        }
    }

    /** What a header comes to for a blob of a certain size. */
    sealed interface Selection {
        /** The whole blob: the answer is 200. */
        record Whole() implements Selection {}

        /** One range was asked for and can be given: 206. */
        record Single(Span span) implements Selection {}

        /** Several were asked for: 206 multipart, even where only one of them can be given. */
        record Multiple(List<Span> spans) implements Selection {}

        /** Nothing of what was asked for exists: 416. */
        record Unsatisfiable() implements Selection {}

        /** More ranges than are served at once: 400. */
        record TooMany() implements Selection {}
    }

    /** Copies the list. */
    RangeHeader {
        specs = List.copyOf(specs);
    }

    /**
     * Parses a header. A header of another unit, or that does not fit the grammar, is to be ignored.
     *
     * @return empty if the header is to be ignored
     */
    static Optional<RangeHeader> parse(String header) {
        int equals = header.indexOf('=');
        if (equals < 0 || !header.substring(0, equals).strip().equalsIgnoreCase("bytes")) {
            return Optional.empty();
        }
        List<Spec> specs = new ArrayList<>();
        int start = equals + 1;
        while (start <= header.length()) {
            int comma = header.indexOf(',', start);
            int end = comma < 0 ? header.length() : comma;
            String text = header.substring(start, end).strip();
            if (!text.isEmpty()) {
                Spec spec = spec(text);
                if (spec == null) {
                    return Optional.empty();
                }
                specs.add(spec);
            }
            start = end + 1;
        }
        return specs.isEmpty() ? Optional.empty() : Optional.of(new RangeHeader(specs));
    }

    /** Where reading begins, as far as the header says so without the size of the blob: 0 else. */
    long start() {
        return Math.max(0, specs.getFirst().first());
    }

    private static @Nullable Spec spec(String text) {
        int dash = text.indexOf('-');
        if (dash < 0) {
            return null;
        }
        long first = number(text, 0, dash);
        long last = number(text, dash + 1, text.length());
        boolean noFirst = dash == 0;
        boolean noLast = dash == text.length() - 1;
        if (first < 0 && !noFirst || last < 0 && !noLast || noFirst && noLast) {
            return null;
        }
        return noFirst ? new Spec(-1, last) : new Spec(first, noLast ? Long.MAX_VALUE : last);
    }

    /** The number, as large as a long where it is larger; -1 if it is none. */
    private static long number(String text, int start, int end) {
        if (start >= end) {
            return -1;
        }
        long value = 0;
        for (int i = start; i < end; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            value = value >= TOO_LARGE ? Long.MAX_VALUE : value * 10 + (c - '0');
        }
        return value;
    }

    /**
     * Applies the ranges to a blob. Ranges that come to more bytes together than the blob has are not worth answering
     * in parts. Of an empty blob no range says anything: clients that send one with each request get it all the same.
     *
     * @param totalBytes the size of the blob
     */
    Selection select(long totalBytes) {
        if (totalBytes == 0) {
            return new Selection.Whole();
        }
        if (specs.size() > MAX_RANGES) {
            return new Selection.TooMany();
        }
        List<Span> spans = new ArrayList<>(specs.size());
        long sum = 0;
        for (Spec spec : specs) {
            Span span = span(spec, totalBytes);
            if (span.length() > 0) {
                spans.add(span);
                sum += span.length();
            }
        }
        if (spans.isEmpty()) {
            return new Selection.Unsatisfiable();
        }
        if (specs.size() == 1) {
            return new Selection.Single(spans.getFirst());
        }
        return sum > totalBytes ? new Selection.Whole() : new Selection.Multiple(spans);
    }

    /** The bytes that a range names in a blob of that size; of length 0 or less if there are none. */
    private static Span span(Spec spec, long totalBytes) {
        return spec.isSuffix()
                ? new Span(Math.max(0, totalBytes - spec.last()), totalBytes - 1)
                : new Span(spec.first(), Math.min(spec.last(), totalBytes - 1));
    }
}
