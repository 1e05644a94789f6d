package dev.entrepot.oci.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CorpusTest {
    static Stream<Corpus> corpora() {
        return Stream.of(Corpus.netMonitor(), Corpus.namespaceArtifact());
    }

    @ParameterizedTest
    @MethodSource("corpora")
    void everyBlobHasItsDigestAndEveryEdgeItsEnd(Corpus corpus) throws InvalidContentException {
        corpus.blobs()
                .forEach((digest, content) ->
                        assertThat(content.digest(digest.algorithm())).isEqualTo(digest));
        Set<Digest> reached = new HashSet<>();
        for (ManifestBytes bytes : corpus.manifests().values()) {
            for (Descriptor edge : Manifest.parse(bytes).references()) {
                reached.add(edge.digest());
                assertThat(corpus.blobs().containsKey(edge.digest())
                                || corpus.manifests().containsKey(edge.digest()))
                        .isTrue();
            }
        }
        assertThat(reached)
                .as("no blob is left over")
                .containsAll(corpus.blobs().keySet());
    }

    @Test
    void netMonitorIsAGraphOfTwoLevelsOfReferrers() throws Exception {
        Corpus corpus = Corpus.netMonitor();
        assertThat(corpus.tags()).hasSize(7);
        assertThat(corpus.manifests()).hasSize(13);
        assertThat(corpus.blobs()).hasSize(15);
        Digest index = corpus.digest("v1");
        assertThat(referrers(corpus, index)).hasSize(5);
        Digest sbom = Digest.parse("sha256:254db35630b338abcb028d836b3ca02a7e8965f7f12021db8f70ece7b000365c");
        assertThat(referrers(corpus, index)).contains(sbom);
        assertThat(referrers(corpus, sbom)).hasSize(1);
        assertThat(corpus.tags()).containsKeys(index.referrersTag(), sbom.referrersTag());
        assertThat(corpus.tags())
                .containsKeys(new Tag(Images.cosignTag(index, "sig")), new Tag(Images.cosignTag(index, "att")));
    }

    private static List<Digest> referrers(Corpus corpus, Digest subject) throws InvalidContentException {
        List<Digest> found = new ArrayList<>();
        for (ManifestBytes bytes : corpus.manifests().values()) {
            if (Manifest.parse(bytes)
                    .subject()
                    .filter(s -> s.digest().equals(subject))
                    .isPresent()) {
                found.add(bytes.digest());
            }
        }
        return found;
    }

    @Test
    void loadsIntoARegistryThatListsTheReferrers() throws Exception {
        Corpus corpus = Corpus.netMonitor();
        try (TestRegistry registry = TestRegistry.started();
                TestClient client = new TestClient(registry.uri())) {
            corpus.loadInto(registry, "old");
            assertThat(registry.tags("old")).hasSize(7);
            assertThat(registry.manifests("old")).hasSize(13);
            corpus.loadInto(registry, "new", tag -> !Corpus.isFallbackTag(tag));
            assertThat(registry.tags("new")).hasSize(5);
            assertThat(registry.manifests("new")).hasSize(11);
            byte[] list = client.get("/v2/new/referrers/" + corpus.digest("v1")).body();
            assertThat(OciJson.mapper().readTree(list).path("manifests").size()).isEqualTo(5);
        }
    }

    @Test
    void keysLieBesideTheCorpus() {
        assertThat(Corpus.locate().resolve("keys/cosign.pub")).isRegularFile();
        assertThat(Corpus.locate().resolve("keys/notation-acme.crt")).isRegularFile();
    }

    @Test
    void readmeNamesEveryManifest() throws Exception {
        String readme = Files.readString(Corpus.locate().resolve("README.md"));
        corpora()
                .flatMap(corpus -> corpus.manifests().keySet().stream())
                .forEach(digest -> assertThat(readme).contains(digest.shortForm()));
    }
}
