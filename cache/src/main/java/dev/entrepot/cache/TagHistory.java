package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a tag named before it named what it does now.
 *
 * @param former the digests, the one that was left last at the end; each once, at most {@link #MOST}. Of a tag that has
 *     left more, those remain that are spread best over the time: the older, the further apart
 */
record TagHistory(List<Former> former) {
    /** How many are remembered. */
    static final int MOST = 64;
    /** A tag that has always named what it does now. */
    static final TagHistory NONE = new TagHistory(List.of());

    /**
     * A digest that the tag has left.
     *
     * @param firstSeenAt when the upstream first said that the tag names it, to the millisecond
     */
    record Former(Digest digest, Instant firstSeenAt) {
        Former {
            firstSeenAt = firstSeenAt.truncatedTo(ChronoUnit.MILLIS);
        }
    }

    /** Copies the list. */
    TagHistory {
        former = List.copyOf(former);
    }

    /** When a digest was first seen; empty if it never was, or too long ago. */
    Optional<Instant> firstSeen(Digest digest) {
        return former.stream()
                .filter(entry -> entry.digest().equals(digest))
                .map(Former::firstSeenAt)
                .findFirst();
    }

    /** What the tag left last. */
    Optional<Former> last() {
        return former.isEmpty() ? Optional.empty() : Optional.of(former.getLast());
    }

    /** With what the tag has left now. */
    TagHistory with(TagRecord left) {
        List<Former> entries = new ArrayList<>(former);
        entries.removeIf(entry -> entry.digest().equals(left.digest()));
        entries.add(new Former(left.digest(), left.firstSeenAt()));
        while (entries.size() > MOST) {
            entries.remove(dispensable(entries));
        }
        return new TagHistory(entries);
    }

    // The one whose neighbours in time are closest to each other, as measured by its age, so that for every minimum
    // age there is one that is not much older. Neither the oldest nor the newest, nor the one that was left last, which
    // is neither where the tag had come back to it: what is known of a tag that was denied is what it left last.
    private static Former dispensable(List<Former> entries) {
        List<Former> byTime = entries.stream()
                .sorted(Comparator.comparing(Former::firstSeenAt))
                .toList();
        Instant newest = byTime.getLast().firstSeenAt();
        Former found = byTime.getFirst();
        double least = Double.MAX_VALUE;
        for (int i = 1; i < byTime.size() - 1; i++) {
            if (byTime.get(i).equals(entries.getLast())) {
                continue;
            }
            double gap =
                    millis(byTime.get(i - 1).firstSeenAt(), byTime.get(i + 1).firstSeenAt());
            double age = millis(byTime.get(i).firstSeenAt(), newest) + 1;
            if (gap / age < least) {
                least = gap / age;
                found = byTime.get(i);
            }
        }
        return found;
    }

    private static double millis(Instant from, Instant to) {
        return Duration.between(from, to).toMillis();
    }

    /** The text that the index keeps: a line for each. */
    byte[] encode() {
        StringBuilder text = new StringBuilder();
        former.forEach(entry -> text.append(entry.firstSeenAt().toEpochMilli())
                .append(' ')
                .append(entry.digest())
                .append('\n'));
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Reads what {@link #encode} wrote.
     *
     * @throws IllegalArgumentException if it is something else
     */
    static TagHistory decode(byte[] text) {
        List<Former> entries = new ArrayList<>();
        for (String line : new String(text, StandardCharsets.UTF_8).lines().toList()) {
            int blank = line.indexOf(' ');
            if (blank < 0) {
                throw new IllegalArgumentException("a line of a tag's history without a digest");
            }
            entries.add(new Former(
                    Digest.parse(line.substring(blank + 1)),
                    Instant.ofEpochMilli(Long.parseLong(line.substring(0, blank)))));
        }
        return new TagHistory(entries);
    }
}
