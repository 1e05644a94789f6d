package dev.entrepot.cache;

import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the {@link PinList} as the pins of the index are. What it cannot write it writes at the next look; until then
 * those pins are in the index alone. Safe for all threads.
 */
final class PinListing {
    private static final Logger LOG = LoggerFactory.getLogger(PinListing.class);

    private final PinList list;
    private final CacheIndex index;
    private volatile boolean behind = true;
    private boolean failing;

    /** The list of an index, which may differ from it. */
    PinListing(PinList list, CacheIndex index) {
        this.list = list;
        this.index = index;
    }

    /**
     * Notes that a pin was changed. What people pin is listed before they hear of it; pins of rules, which come one
     * after another by the thousand, at the next look.
     */
    void changed(boolean ruled) {
        behind = true;
        if (!ruled) {
            catchUp();
        }
    }

    /** Writes the list, if it is not as the pins are. */
    synchronized void catchUp() {
        if (!behind) {
            return;
        }
        behind = false;
        try {
            List<Pin> pins = index.pins();
            if (!pins.equals(listed())) {
                list.write(pins);
            }
            failing = false;
        } catch (IOException e) {
            behind = true;
            if (!failing) {
                LOG.warn(
                        "the list of pins, which stands in for an index that is lost, cannot be brought up to date, and is once it can"
                                + " be: {}",
                        e.toString());
            }
            failing = true;
        }
    }

    private List<Pin> listed() {
        try {
            return list.read().orElse(List.of());
        } catch (IOException e) {
            LOG.warn("the list of pins is written anew: {}", e.getMessage());
            return List.of();
        }
    }
}
