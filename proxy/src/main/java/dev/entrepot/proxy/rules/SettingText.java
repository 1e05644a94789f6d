package dev.entrepot.proxy.rules;

import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.MinAge;
import dev.entrepot.cache.Setting;
import dev.entrepot.cache.StaleCause;
import dev.entrepot.oci.Platform;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;

/** The values of settings, as people read them. */
final class SettingText {
    private SettingText() {}

    /** The value of one setting. */
    static String of(Setting setting, CacheSettings settings) {
        return switch (setting) {
            case DENY -> settings.denied().orElse("none");
            case FRESHNESS -> freshness(settings);
            case CHECK_DEADLINE -> settings.checkDeadline().isZero() ? "none" : time(settings.checkDeadline());
            case STALE_RATE_LIMITED -> stale(settings, StaleCause.RATE_LIMITED);
            case STALE_SERVER_ERROR -> stale(settings, StaleCause.SERVER_ERROR);
            case STALE_TIMEOUT -> stale(settings, StaleCause.TIMEOUT);
            case STALE_UNREACHABLE -> stale(settings, StaleCause.UNREACHABLE);
            case STALE_DELETED -> stale(settings, StaleCause.DELETED);
            case NEGATIVE_NOT_FOUND -> time(settings.negative().notFound());
            case NEGATIVE_DENIED -> time(settings.negative().denied());
            case NEGATIVE_OUTAGE -> time(settings.negative().outage());
            case OFFLINE -> String.valueOf(settings.offline());
            case PIN -> graph(settings.pin());
            case PREFETCH -> graph(settings.prefetch());
            case MIN_AGE -> settings.minAge().map(SettingText::minAge).orElse("none");
            case MAX_SIZE ->
                settings.maxBytes().isPresent() ? settings.maxBytes().getAsLong() + " bytes" : "none";
            case PRIORITY -> Integer.toString(settings.priority());
            case SHARE -> settings.share().map(share -> share.percent() + "%").orElse("none");
        };
    }

    private static String freshness(CacheSettings settings) {
        if (settings.offline()) {
            return "never asked";
        }
        String fresh = settings.freshFor().equals(CacheSettings.FOREVER)
                ? "immutable"
                : settings.freshFor().isZero() ? "always asked" : time(settings.freshFor());
        return settings.behindFor().isZero()
                ? fresh
                : fresh + ", then asked behind "
                        + (settings.behindFor().equals(CacheSettings.FOREVER)
                                ? "(offline-first)"
                                : "until " + time(settings.behindFor()));
    }

    private static String stale(CacheSettings settings, StaleCause cause) {
        return time(settings.stale().getOrDefault(cause, Duration.ZERO));
    }

    private static String graph(Optional<GraphPart> part) {
        return part.map(graph -> (graph.platforms().isEmpty()
                                ? "all platforms"
                                : graph.platforms().stream()
                                        .map(Platform::toString)
                                        .collect(Collectors.joining(", ")))
                        + (graph.referrers() ? " with referrers" : " without referrers"))
                .orElse("none");
    }

    private static String minAge(MinAge minAge) {
        return time(minAge.time())
                + (minAge.exceptDigests().isEmpty()
                        ? ""
                        : ", except " + minAge.exceptDigests().size() + " digests")
                + (minAge.asksReferrers() ? ", except what is signed" : "");
    }

    /** A time in the units of the configuration. */
    static String time(Duration time) {
        if (time.isZero()) {
            return "0s";
        }
        StringBuilder text = new StringBuilder();
        append(text, time.toDays(), "d");
        append(text, time.toHoursPart(), "h");
        append(text, time.toMinutesPart(), "m");
        append(text, time.toSecondsPart(), "s");
        append(text, time.toMillisPart(), "ms");
        return text.toString();
    }

    private static void append(StringBuilder text, long count, String unit) {
        if (count > 0) {
            text.append(count).append(unit);
        }
    }
}
