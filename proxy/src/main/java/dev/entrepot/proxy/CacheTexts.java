package dev.entrepot.proxy;

import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** The answers of {@code entrepot cache ...} for people. */
final class CacheTexts {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private CacheTexts() {}

    /** The text of the answer to a command. */
    static String of(String name, JsonNode answer) {
        return switch (name) {
            case "stats" -> stats(answer);
            case "ls" -> answer.has("repositories") ? repositories(answer) : contents(answer);
            case "pin" -> answer.has("pins") ? pins(answer) : pin(answer);
            case "unpin" -> answer.path("unpinned").asString("") + " is no longer pinned\n";
            case "evict" ->
                String.format(
                        Locale.ROOT,
                        "%d evicted, %s; %d pinned or in use stayed%s%n",
                        answer.path("evicted").asLong(),
                        size(answer.path("bytes")),
                        answer.path("stayed").asLong(),
                        answer.path("stayed").asLong() > 0 ? "; \"entrepot cache pin\" shows what is pinned" : "");
            // A server has only begun; what it found before is no answer.
            case "scrub" ->
                answer.path("begun").asBoolean(false)
                        ? "the server reads all that is stored, in the background; entrepot cache stats shows how far it is,"
                                + " and what it found\n"
                        : scrub(answer);
            case "rebuild" ->
                String.format(
                        Locale.ROOT,
                        "%d stored, %s%n",
                        answer.path("storedCount").asLong(),
                        size(answer.path("storedBytes")));
            default -> answer + "\n";
        };
    }

    private static String size(JsonNode bytes) {
        return size(bytes.asLong());
    }

    /** A number of bytes in the largest unit of which there is one. */
    static String size(long bytes) {
        int unit = bytes <= 0 ? 0 : (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        return unit == 0
                ? bytes + " B"
                : String.format(Locale.ROOT, "%.1f %s", bytes / (double) (1L << 10 * unit), UNITS[unit]);
    }

    private static String stats(JsonNode stats) {
        StringBuilder text = new StringBuilder();
        line(text, "used", size(stats.path("usedBytes")) + " of " + size(stats.path("capacityBytes")));
        line(
                text,
                "stored",
                size(stats.path("storedBytes")) + " in "
                        + stats.path("storedCount").asLong() + ", of which small " + size(stats.path("smallBytes")));
        if (!stats.path("compared").asBoolean(true)) {
            line(text, "", "(index and files are still being compared after a crash)");
        }
        line(text, "unfinished", size(stats.path("unfinishedBytes")));
        if (stats.path("quarantineBytes").asLong() > 0) {
            line(text, "quarantine", size(stats.path("quarantineBytes")));
        }
        if (stats.path("ballastBytes").asLong() > 0) {
            line(text, "ballast", size(stats.path("ballastBytes")));
        }
        line(
                text,
                "pinned",
                size(stats.path("pinnedBytes")) + " by " + stats.path("pins").asLong() + " pins");
        line(text, "free", size(stats.path("freeBytes")) + ", to be left " + size(stats.path("minFreeBytes")));
        if (stats.path("lackingBytes").asLong() > 0) {
            line(text, "", "(" + size(stats.path("lackingBytes")) + " more would have to go, and may not)");
        }
        stats.path("pools")
                .forEach(pool -> line(
                        text,
                        "pool " + pool.path("name").asString(""),
                        size(pool.path("bytes"))
                                + (pool.has("mostBytes") ? " of " + size(pool.path("mostBytes")) : "")));
        stats.path("evictions")
                .forEachEntry((reason, entry) -> line(
                        text,
                        "evicted " + reason.replace('_', ' '),
                        entry.path("count").asLong() + ", " + size(entry.path("bytes"))));
        line(text, "quarantined", Long.toString(stats.path("quarantined").asLong()));
        return text + scrub(stats.path("scrub"));
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(String.format(Locale.ROOT, "%-20s %s%n", name, value));
    }

    private static String scrub(JsonNode scrub) {
        StringBuilder text = new StringBuilder();
        line(
                text,
                "scrub",
                (scrub.path("running").asBoolean()
                                ? "folder " + scrub.path("foldersDone").asLong() + " of "
                                        + scrub.path("folders").asLong() + ", "
                                : "")
                        + scrub.path("checked").asLong() + " checked, "
                        + scrub.path("bad").asLong() + " bad"
                        + ", last ended " + scrub.path("lastRound").asString("never"));
        if (scrub.path("awaited").asLong() > 0) {
            line(
                    text,
                    "",
                    "(" + scrub.path("awaited").asLong()
                            + " found bad and not stored again yet: a server fetches them anew when it"
                            + " starts, and tries again every hour)");
        }
        return text.toString();
    }

    private static String repositories(JsonNode answer) {
        StringBuilder text = new StringBuilder();
        answer.path("repositories")
                .forEach(one -> text.append(String.format(
                        Locale.ROOT,
                        "%10s %5d tags %6d manifests %7d blobs  %s%n",
                        size(one.path("bytes")),
                        one.path("tags").asLong(),
                        one.path("manifests").asLong(),
                        one.path("blobs").asLong(),
                        one.path("repository").asString(""))));
        return orElse(text, "nothing is stored");
    }

    private static String contents(JsonNode answer) {
        StringBuilder text = new StringBuilder();
        answer.path("tags")
                .forEach(tag -> text.append(String.format(
                        Locale.ROOT,
                        "tag %s %s%s%n",
                        tag.path("tag").asString(""),
                        tag.path("digest").asString(""),
                        tag.path("stored").asBoolean() ? "" : " (not stored)")));
        answer.path("contents")
                .forEach(content -> text.append(String.format(
                        Locale.ROOT,
                        "%-8s %s %10s used %s%n",
                        content.path("kind").asString(""),
                        content.path("digest").asString(""),
                        size(content.path("bytes")),
                        content.path("lastUsed").asString(""))));
        return orElse(
                text,
                "nothing of " + answer.path("repository").asString("")
                        + " is stored; \"entrepot cache ls\" shows what is");
    }

    private static String pins(JsonNode answer) {
        StringBuilder text = new StringBuilder();
        answer.path("pins").forEach(pin -> text.append(pin(pin)));
        return orElse(text, "no pins");
    }

    // A list of nothing says so: no line at all looks like a question that nobody answered.
    private static String orElse(StringBuilder list, String empty) {
        return list.isEmpty() ? empty + "\n" : list.toString();
    }

    private static String pin(JsonNode pin) {
        String state;
        if (!pin.has("root")) {
            state = "nothing is stored yet; a server fetches it in the background";
        } else if (pin.path("complete").asBoolean()) {
            state = "complete, " + pin.path("digests").asLong() + " pieces";
        } else {
            state = pin.path("missing").size() + " of " + pin.path("digests").asLong()
                    + " pieces are not stored yet; a server fetches them in the background";
        }
        return pin.path("reference").asString("") + ": " + state + "\n";
    }
}
