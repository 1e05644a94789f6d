package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.ManifestSource;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is asked of a registry for manifests some of which are known. */
class KnownFirstTest {
    private static final Tag TAG = new Tag("t");

    private final List<String> asked = new ArrayList<>();
    private final Map<ManifestReference, ManifestBytes> there = new HashMap<>();
    private final Map<Digest, ManifestBytes> known = new HashMap<>();
    private final ManifestBytes one = index("one");

    private final ManifestSource registry = new ManifestSource() {
        @Override
        public Optional<Descriptor> resolve(ManifestReference reference) {
            asked.add("HEAD " + reference);
            return Optional.ofNullable(there.get(reference)).map(ManifestBytes::descriptor);
        }

        @Override
        public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
            asked.add("GET " + reference);
            return Optional.ofNullable(there.get(reference))
                    .orElseThrow(() -> new NotFoundException(NotFoundException.Kind.MANIFEST, "none"));
        }
    };
    private final KnownManifests shelf = new KnownManifests() {
        @Override
        public Optional<ManifestBytes> named(Digest digest) {
            return Optional.ofNullable(known.get(digest));
        }

        @Override
        public Optional<ManifestBytes> listed(Digest digest) {
            return named(digest);
        }

        @Override
        public void fetched(ManifestBytes manifest) {
            known.put(manifest.digest(), manifest);
        }
    };

    private static ManifestBytes index(String text) {
        try {
            return ManifestBytes.of(
                    MediaType.OCI_INDEX,
                    ("{\"schemaVersion\":2,\"manifests\":[],\"annotations\":{\"a\":\"" + text + "\"}}")
                            .getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private KnownFirst source(boolean countsPulls) {
        there.put(TAG, one);
        there.put(one.digest(), one);
        return new KnownFirst(registry, shelf, () -> countsPulls);
    }

    @Test
    void tagCostsOnePullWherePullsAreCountedAndThenNone() throws IOException {
        KnownFirst source = source(true);
        for (int i = 0; i < 3; i++) {
            assertThat(source.fetchManifest(TAG)).isSameAs(one);
        }
        assertThat(asked).containsExactly("HEAD t", "GET " + one.digest(), "HEAD t", "HEAD t");
    }

    @Test
    void tagIsOneRequestWherePullsAreNotCounted() throws IOException {
        assertThat(source(false).fetchManifest(TAG)).isSameAs(one);
        assertThat(asked).containsExactly("GET t");
        assertThat(known).containsKey(one.digest());
    }

    @Test
    void digestThatIsKnownIsNotAskedFor() throws IOException {
        KnownFirst source = source(false);
        source.fetchManifest(one.digest());
        source.fetchManifest(one.digest());
        assertThat(asked).containsExactly("GET " + one.digest());
    }

    @Test
    void tagThatIsNotThereCostsNothing() {
        KnownFirst source = source(true);
        there.clear();
        assertThatThrownBy(() -> source.fetchManifest(TAG)).isInstanceOf(NotFoundException.class);
        assertThat(asked).containsExactly("HEAD t");
    }

    @Test
    void tagThatHasMovedIsFetched() throws IOException {
        KnownFirst source = source(true);
        source.fetchManifest(TAG);
        ManifestBytes two = index("two");
        there.put(TAG, two);
        there.put(two.digest(), two);
        assertThat(source.fetchManifest(TAG)).isSameAs(two);
    }

    @Test
    void tagThatMovesBetweenHeadAndGetIsFetchedByItsNameAndNotTakenForMissing() throws IOException {
        KnownFirst source = source(true);
        there.remove(one.digest());
        assertThat(source.fetchManifest(TAG)).isSameAs(one);
        assertThat(asked).containsExactly("HEAD t", "GET " + one.digest(), "GET t");
    }
}
