package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReferrersReaderTest {
    private static final Digest SUBJECT = Digest.sha256("subject".getBytes(StandardCharsets.UTF_8));
    private static final Digest OTHER = Digest.sha256("other".getBytes(StandardCharsets.UTF_8));

    /** Manifests by reference; what is not there is missing, what is null is out. */
    private static final class Manifests implements ManifestSource {
        private final Map<ManifestReference, Optional<ManifestBytes>> content = new HashMap<>();

        ManifestBytes put(String json) throws IOException {
            return put(json, MediaType.OCI_MANIFEST);
        }

        ManifestBytes put(String json, MediaType type) throws IOException {
            ManifestBytes manifest = ManifestBytes.of(type, json.getBytes(StandardCharsets.UTF_8));
            content.put(manifest.digest(), Optional.of(manifest));
            return manifest;
        }

        void tag(ManifestBytes manifest) {
            content.put(SUBJECT.referrersTag(), Optional.of(manifest));
        }

        void breakDown(ManifestReference reference) {
            content.put(reference, Optional.empty());
        }

        @Override
        public Optional<Descriptor> resolve(ManifestReference reference) {
            throw new UnsupportedOperationException("not asked by the reader");
        }

        @Override
        public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
            if (!content.containsKey(reference)) {
                throw new NotFoundException(NotFoundException.Kind.MANIFEST, reference.toString());
            }
            return content.get(reference)
                    .orElseThrow(() -> new OutageException(OutageException.Reason.TIMEOUT, reference.toString()));
        }
    }

    private final Manifests manifests = new Manifests();
    private final ReferrersReader reader = new ReferrersReader(subject -> Optional.empty(), manifests);

    private static String signature(Digest subject) {
        return "{\"schemaVersion\":2,\"artifactType\":\"sig\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\""
                + OTHER
                + "\",\"size\":2},\"layers\":[],\"annotations\":{\"by\":\"me\"},\"subject\":{\"mediaType\":\"a/b\",\"digest\":\""
                + subject + "\",\"size\":1}}";
    }

    private static String entry(Digest digest, String more) {
        return "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" + digest + "\",\"size\":7"
                + more + "}";
    }

    private void tagIndex(String... entries) throws IOException {
        manifests.tag(manifests.put(
                "{\"schemaVersion\":2,\"manifests\":[" + String.join(",", entries) + "]}", MediaType.OCI_INDEX));
    }

    @Test
    void prefersTheApi() throws IOException {
        Descriptor descriptor = Descriptor.of(MediaType.OCI_MANIFEST, OTHER, 7);
        tagIndex(entry(SUBJECT, ""));

        assertThat(new ReferrersReader(subject -> Optional.of(List.of(descriptor)), manifests).read(SUBJECT))
                .isEqualTo(new Referrers(Referrers.Origin.API, List.of(descriptor)));
    }

    @Test
    void completesEntriesFromTheirManifests() throws IOException {
        Digest signature = manifests.put(signature(SUBJECT)).digest();
        tagIndex(entry(signature, ",\"artifactType\":\"wrong\""), entry(signature, ""));

        Referrers referrers = reader.read(SUBJECT);

        assertThat(referrers.origin()).isEqualTo(Referrers.Origin.FALLBACK_TAG);
        assertThat(referrers.descriptors()).singleElement().satisfies(descriptor -> {
            assertThat(descriptor.digest()).isEqualTo(signature);
            assertThat(descriptor.artifactType()).contains("sig");
            assertThat(descriptor.annotations()).isEqualTo(Map.of("by", "me"));
        });
    }

    @Test
    void fetchesNothingForWholeEntries() throws IOException {
        manifests.breakDown(OTHER);
        tagIndex(entry(OTHER, ",\"artifactType\":\"sig\",\"annotations\":{\"k\":\"v\"}"));

        assertThat(reader.read(SUBJECT).descriptors()).hasSize(1);
    }

    @Test
    void dropsEntriesThatReferToSomethingElse() throws IOException {
        Digest elsewhere = manifests.put(signature(OTHER)).digest();
        Digest here = manifests.put(signature(SUBJECT)).digest();
        tagIndex(entry(elsewhere, ""), entry(here, ""));

        assertThat(reader.read(SUBJECT).descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(here);
    }

    @Test
    void leavesAMissingEntryAsItIsListed() throws IOException {
        tagIndex(entry(OTHER, ",\"artifactType\":\"sig\""));

        assertThat(reader.read(SUBJECT).descriptors()).singleElement().satisfies(descriptor -> {
            assertThat(descriptor.artifactType()).contains("sig");
            assertThat(descriptor.annotations()).isEmpty();
        });
    }

    @Test
    void anOutageIsNotAShorterList() throws IOException {
        manifests.breakDown(OTHER);
        tagIndex(entry(OTHER, ""));
        assertThatThrownBy(() -> reader.read(SUBJECT)).isInstanceOf(OutageException.class);

        manifests.breakDown(SUBJECT.referrersTag());
        assertThatThrownBy(() -> reader.read(SUBJECT)).isInstanceOf(OutageException.class);
    }

    @Test
    void takesTheSubjectItselfForNoFallbackTag() throws IOException {
        String index = "{\"schemaVersion\":2,\"manifests\":[" + entry(OTHER, "") + "]}";
        ManifestBytes subject = manifests.put(index, MediaType.OCI_INDEX);
        manifests.content.put(subject.digest().referrersTag(), Optional.of(subject));

        assertThat(reader.read(subject.digest())).isEqualTo(Referrers.NONE);
    }

    @Test
    void takesAnythingButAnIndexForNoFallbackTag() throws IOException {
        manifests.tag(manifests.put(signature(SUBJECT)));

        assertThat(reader.read(SUBJECT)).isEqualTo(Referrers.NONE);
    }

    @Test
    void findsNothingWhereThereIsNoTag() throws IOException {
        assertThat(reader.read(SUBJECT)).isEqualTo(Referrers.NONE);
    }

    @Test
    void keepsAnEmptyFallbackTagApartFromNone() throws IOException {
        tagIndex();

        assertThat(reader.read(SUBJECT)).isEqualTo(new Referrers(Referrers.Origin.FALLBACK_TAG, List.of()));
    }
}
