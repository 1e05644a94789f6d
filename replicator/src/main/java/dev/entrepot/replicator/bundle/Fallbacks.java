package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The indexes behind fallback tags that a bundle has for readers of the layout: a function of its manifests. */
final class Fallbacks {
    private Fallbacks() {}

    /**
     * One for each manifest with referrers, where it or one of them is in a volume; all stated to be in volume 1. One
     * whose bytes are content of the bundle already is left out.
     *
     * @throws IllegalArgumentException if a manifest names a referrer that is not listed, or the indexes are longer
     *     together than an inventory may be: each referrer has one subject, so they say less than that does, unless
     *     somebody has many manifests name a long one
     */
    static List<BundledFallback> of(Map<Digest, BundledManifest> manifests, Set<Digest> blobs) {
        List<BundledFallback> result = new ArrayList<>();
        Set<Digest> known = new HashSet<>(manifests.keySet());
        known.addAll(blobs);
        long total = 0;
        for (BundledManifest manifest : manifests.values()) {
            boolean carried = isCarried(manifest)
                    || manifest.referrers().stream().anyMatch(referrer -> isCarried(listed(manifests, referrer)));
            if (carried && !manifest.referrers().isEmpty()) {
                byte[] bytes = index(manifests, manifest.digest());
                total += bytes.length;
                Checks.that(
                        total <= BundleLimits.DOCUMENT_BYTES,
                        "the fallback indexes have more than " + BundleLimits.DOCUMENT_BYTES + " bytes together");
                Digest digest = Digest.sha256(bytes);
                if (known.add(digest)) {
                    result.add(new BundledFallback(manifest.digest(), digest, bytes.length, 1));
                }
            }
        }
        return result;
    }

    /**
     * The bytes: all referrers of a subject, as a referrers list shows them.
     *
     * @throws IllegalArgumentException if there is no such manifest
     */
    static byte[] index(Map<Digest, BundledManifest> manifests, Digest subject) {
        return DescriptorJson.writeIndex(listed(manifests, subject).referrers().stream()
                .map(referrer -> listed(manifests, referrer).descriptor())
                .toList());
    }

    private static boolean isCarried(BundledManifest manifest) {
        return !(manifest.placement() instanceof Placement.Held);
    }

    private static BundledManifest listed(Map<Digest, BundledManifest> manifests, Digest digest) {
        BundledManifest found = manifests.get(digest);
        if (found == null) {
            throw new IllegalArgumentException("manifest " + digest + " is named and not listed");
        }
        return found;
    }
}
