package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a tag named before it named what it does now.
 *
 * @param former the digests, the one that was left last at the end; each once, at most {@link #MOST}
 */
record TagHistory(List<Former> former) {
    /** How many are remembered; those that were left longest ago are forgotten first. */
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

    /** With what the tag has left now. */
    TagHistory with(TagRecord left) {
        List<Former> entries = new ArrayList<>(former);
        entries.removeIf(entry -> entry.digest().equals(left.digest()));
        entries.add(new Former(left.digest(), left.firstSeenAt()));
        return new TagHistory(entries.subList(Math.max(0, entries.size() - MOST), entries.size()));
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
