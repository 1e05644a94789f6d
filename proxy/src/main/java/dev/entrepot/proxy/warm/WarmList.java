package dev.entrepot.proxy.warm;

import dev.entrepot.oci.Reference;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The images that were found in some input, and how often.
 *
 * @param images how often each was named, in the order in which they came
 * @param unread what could not be understood, each with its place, at most {@link #UNREAD_SHOWN}
 * @param unreadMore how many more could not be understood
 */
public record WarmList(Map<Reference, Integer> images, List<String> unread, long unreadMore) {
    /** The most images that one list holds. */
    public static final int MAX_IMAGES = 100_000;

    /** How many of the things that could not be understood are told. */
    static final int UNREAD_SHOWN = 20;

    /** Copies map and list. */
    public WarmList {
        images = Collections.unmodifiableMap(new LinkedHashMap<>(images));
        unread = List.copyOf(unread);
    }

    /**
     * The images that were named most often, the most frequent first, and in their order where as often; at most so
     * many.
     */
    public List<Reference> top(int most) {
        return images.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .limit(most)
                .map(Map.Entry::getKey)
                .toList();
    }
}
