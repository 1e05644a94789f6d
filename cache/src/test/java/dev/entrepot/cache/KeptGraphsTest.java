package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptGraphsTest {
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/many");

    @TempDir
    Path directory;

    private ManifestBytes index(List<Digest> children) throws IOException {
        String json = children.stream()
                .map(child ->
                        "{\"mediaType\":\"" + MediaType.OCI_MANIFEST + "\",\"digest\":\"" + child + "\",\"size\":100}")
                .collect(Collectors.joining(
                        ",",
                        "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_INDEX + "\",\"manifests\":[",
                        "]}"));
        ManifestBytes index = ManifestBytes.of(MediaType.OCI_INDEX, json.getBytes(StandardCharsets.UTF_8));
        upstream.manifests.put(index.digest(), index);
        return index;
    }

    @Test
    void ofAnIndexThatListsVeryManyTheFirstThousandAreLookedFor() throws IOException {
        List<Digest> children = new ArrayList<>();
        for (int i = 0; i < 1200; i++) {
            children.add(Digest.sha256(Samples.bytes(i, 10)));
        }
        ManifestBytes first = CacheFixture.image(upstream, new byte[100]);
        ManifestBytes last = CacheFixture.image(upstream, new byte[200]);
        children.set(900, first.digest());
        children.set(1100, last.digest());
        ManifestBytes index = index(children);
        try (CacheFixture cache = new CacheFixture(directory)) {
            PullThrough repository = cache.repository(upstream);
            for (ManifestBytes manifest : List.of(index, first, last)) {
                repository.manifest(manifest.digest());
            }
            Explanation.KeptGraph kept =
                    repository.explain(index.digest()).kept().orElseThrow();
            assertThat(kept.manifests()).isEqualTo(1201);
            assertThat(kept.manifestsKept()).isEqualTo(2);
            assertThat(kept.blobs()).isEqualTo(2);
            assertThat(kept.bytesKept()).isEqualTo(index.sizeBytes() + first.sizeBytes());
        }
    }
}
