package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which manifests name some content as a blob. What is a manifest by one name may be a layer by another, and both are
 * one file.
 *
 * <p>Of each blob 64 bits are kept: 8 bytes for each manifest that names it, and 11 to 22 more once. The digests of all
 * layers of fifty thousand images would take ten times as much. Two blobs of which these bits are the same are taken
 * for one; at worst something stays that could be deleted. Not safe for several threads.
 */
final class BlobHolders {
    private static final int LEAST = 64;

    private final Map<Digest, long[]> byManifest = new HashMap<>();
    // Open addressing, at most three quarters full; 0 is a free place. Of blobs of all manifests that ever were, so
    // that nearly all that is asked for is answered without looking at each.
    private long[] known = new long[LEAST];
    private int count;

    /** Takes note of the blobs that a manifest names. */
    void note(Digest manifest, List<Descriptor> blobs) {
        if (blobs.isEmpty()) {
            return;
        }
        long[] keys =
                blobs.stream().mapToLong(blob -> key(blob.digest())).distinct().toArray();
        byManifest.put(manifest, keys);
        for (long key : keys) {
            add(key);
        }
    }

    /** The manifests that name this as a blob, also those that are no more. */
    Set<Digest> of(Digest blob) {
        long key = key(blob);
        Set<Digest> holders = new HashSet<>();
        if (known[place(known, key)] == key) {
            byManifest.forEach((manifest, keys) -> {
                if (contains(keys, key)) {
                    holders.add(manifest);
                }
            });
        }
        return holders;
    }

    // Some ten of each of many thousands: a stream for each takes several times as long.
    private static boolean contains(long[] keys, long key) {
        for (long other : keys) {
            if (other == key) {
                return true;
            }
        }
        return false;
    }

    private void add(long key) {
        int place = place(known, key);
        if (known[place] == key) {
            return;
        }
        known[place] = key;
        count++;
        if (count > known.length / 4 * 3) {
            long[] wider = new long[known.length * 2];
            for (long old : known) {
                if (old != 0) {
                    wider[place(wider, old)] = old;
                }
            }
            known = wider;
        }
    }

    // Where a key is, or would be.
    private static int place(long[] table, long key) {
        int place = (int) (key ^ key >>> 32) & table.length - 1;
        while (table[place] != 0 && table[place] != key) {
            place = place + 1 & table.length - 1;
        }
        return place;
    }

    // Any algorithm may be in a layout: its text need not be hexadecimal.
    private static long key(Digest digest) {
        String text = digest.encoded();
        long key = 1;
        for (int i = 0; i < text.length(); i++) {
            key = (key ^ text.charAt(i)) * 0x9E3779B97F4A7C15L;
        }
        return key == 0 ? 1 : key;
    }
}
