package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FallbacksTest {
    @Test
    void longReferrerThatManyNameIsNotWrittenForEach() {
        Map<Digest, BundledManifest> manifests = new LinkedHashMap<>();
        Digest referrer = Inventories.BILL;
        manifests.put(
                referrer,
                manifest(
                        Descriptor.of(MediaType.OCI_MANIFEST, referrer, 300)
                                .asReferrer(Optional.empty(), Map.of("long", "x".repeat(4 << 20))),
                        List.of()));
        for (int i = 0; i < 20; i++) {
            Digest subject = Inventories.digest("subject " + i);
            manifests.put(
                    subject, manifest(Descriptor.of(MediaType.OCI_MANIFEST, subject, 300 + i), List.of(referrer)));
        }

        assertThatThrownBy(() -> Fallbacks.of(manifests, Set.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the fallback indexes have more than " + BundleLimits.DOCUMENT_BYTES + " bytes together");
    }

    private static BundledManifest manifest(Descriptor descriptor, List<Digest> referrers) {
        return new BundledManifest(
                descriptor,
                List.of(Inventories.APP),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                referrers,
                List.of(),
                new Placement.InVolume(1));
    }
}
