package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
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
    private final Clock clock;
    private volatile boolean behind = true;
    private boolean failing;

    /** The list of an index, which may differ from it. */
    PinListing(PinList list, CacheIndex index, Clock clock) {
        this.list = list;
        this.index = index;
        this.clock = clock;
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
            if (!isListed(pins)) {
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

    // What is written anew although not all of it was understood is kept first.
    private boolean isListed(List<Pin> pins) throws IOException {
        String fault;
        try {
            PinList.Contents listed = list.contents().orElse(new PinList.Contents(List.of(), 0));
            if (listed.unusable() == 0) {
                return listed.pins().equals(pins);
            }
            fault = listed.unusable() + " of its entries make no sense";
        } catch (IOException e) {
            fault = String.valueOf(e.getMessage());
        }
        Optional<Path> aside = list.keepAside(clock.instant());
        if (aside.isPresent()) {
            LOG.error(
                    "the list of pins cannot all be used ({}) and is written anew; it is kept as {} for a week: compare the pins with"
                            + " those you had (entrepot cache pin), and pin again what is missing",
                    fault,
                    aside.get());
        }
        return false;
    }
}
