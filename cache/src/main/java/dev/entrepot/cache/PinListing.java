package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the {@link PinList} as the pins of the index are. What it cannot write it writes at the next look; until then
 * those pins are in the index alone. However many are pinned one after another, the work for each is bounded. Safe for
 * all threads.
 */
final class PinListing {
    private static final Logger LOG = LoggerFactory.getLogger(PinListing.class);

    /** Of many pins, this part may be in the index alone until the next look. */
    private static final int PART = 64;

    private final PinList list;
    private final PinRecords records;
    private final Clock clock;
    private volatile boolean behind = true;
    private final AtomicInteger changes = new AtomicInteger();
    private final AtomicLong sizeBytes = new AtomicLong();
    private volatile int listedPins;
    private Optional<List<Pin>> listed = Optional.empty();
    private boolean failing;
    // What the disk has not confirmed is written again, though it reads as it should.
    private boolean unconfirmed;

    /** The list of an index, which may differ from it. */
    PinListing(PinList list, PinRecords records, Clock clock) {
        this.list = list;
        this.records = records;
        this.clock = clock;
    }

    /**
     * Notes that a pin was changed. What people pin is listed before they hear of it, as long as there are few; of many
     * pins, with the next 64th of them, so that the whole list is not written for each, or at the next look. Pins of
     * rules, which come one after another by the thousand, are listed at the next look.
     */
    void changed(boolean ruled) {
        int since = changes.incrementAndGet();
        behind = true;
        if (!ruled && since >= listedPins / PART) {
            catchUp();
        }
    }

    /**
     * Refuses a pin, new or changed, for which the list has no room: were the index lost, the pin would be, too.
     *
     * @throws IOException says how many there are, and the remedy
     */
    void requireRoom(Pin pin) throws IOException {
        int bytes = PinList.encode(List.of(pin)).length;
        if (sizeBytes.get() + bytes > PinList.MAX_BYTES) {
            // What has only changed, or has gone since, is counted as well.
            catchUp();
        }
        if (sizeBytes.get() + bytes > PinList.MAX_BYTES) {
            throw new IOException(pin + " is not pinned: with it the list of pins, " + listedPins
                    + " of them now, would be longer than " + PinList.MAX_BYTES
                    + " bytes; unpin some (entrepot cache unpin), or let a rule cover fewer");
        }
        // Several at once may go over by one pin each; what is written and read may be twice as long.
        sizeBytes.addAndGet(bytes);
    }

    /** Writes the list, if it is not as the pins are. */
    synchronized void catchUp() {
        if (!behind) {
            return;
        }
        behind = false;
        changes.set(0);
        try {
            if (records.isPending()) {
                // Counted among them, and refused in the end perhaps: then the next look lists them without it.
                behind = true;
            }
            List<Pin> pins = records.all();
            listedPins = pins.size();
            if (!unconfirmed && isListed(pins)) {
                sizeBytes.set(list.sizeBytes());
            } else {
                byte[] json = PinList.encode(pins);
                sizeBytes.set(json.length);
                unconfirmed = true;
                list.write(json);
                unconfirmed = false;
            }
            listed = Optional.of(pins);
            failing = false;
        } catch (RuntimeException | Error e) {
            // As for want of memory: a long list takes much.
            behind = true;
            listed = Optional.empty();
            throw e;
        } catch (IOException e) {
            behind = true;
            listed = Optional.empty();
            if (!failing) {
                LOG.warn(
                        "the list of pins, which stands in for an index that is lost, cannot be brought up to date, and is once it can"
                                + " be: {}",
                        e.toString());
            }
            failing = true;
        }
    }

    // Read once: nobody else writes it.
    private boolean isListed(List<Pin> pins) throws IOException {
        return listed.isPresent() ? listed.get().equals(pins) : isInFile(pins);
    }

    // What is written anew although not all of it was understood is kept first.
    private boolean isInFile(List<Pin> pins) throws IOException {
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
