package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What has a name in an index, found by manifest, after names have come, moved and gone. */
final class LayoutIndexTest {
    private static final RepositoryName APP = new RepositoryName("app");
    private static final RepositoryName OTHER = new RepositoryName("other");
    private static final Descriptor FIRST = manifest("first");
    private static final Descriptor SECOND = manifest("second");

    private static Descriptor manifest(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Descriptor.of(MediaType.OCI_MANIFEST, Digest.sha256(bytes), bytes.length);
    }

    private static String foreign(Descriptor manifest, String name) {
        return "{\"mediaType\":\"" + manifest.mediaType() + "\",\"digest\":\"" + manifest.digest() + "\",\"size\":"
                + manifest.sizeBytes() + ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" + name + "\"}}";
    }

    private static LayoutIndex parse(String... entries) throws IOException {
        String json = "{\"schemaVersion\":2,\"manifests\":[" + String.join(",", entries) + "]}";
        return LayoutIndex.parse(json.getBytes(StandardCharsets.UTF_8), "images");
    }

    @Test
    void manifestIsNamedAsLongAsOneTagIsAtIt() throws IOException {
        LayoutIndex index = LayoutIndex.empty("images");
        index.tag(APP, new Tag("v1"), FIRST);
        index.tag(APP, new Tag("v2"), FIRST);
        index.tag(OTHER, new Tag("v3"), FIRST);
        index.tag(APP, new Tag("v1"), SECOND);
        assertThat(index.isNamedBeyond(FIRST.digest(), Set.of(APP))).isTrue();

        index.untag(OTHER, new Tag("v3"));
        assertThat(index.isNamedBeyond(FIRST.digest(), Set.of(APP))).isFalse();
        assertThat(index.isNamed(FIRST.digest())).isTrue();

        index.untagAll(APP, FIRST.digest());
        assertThat(index.isNamed(FIRST.digest())).isFalse();
        assertThat(index.isNamed(SECOND.digest())).isTrue();
        assertThat(index.tags(APP)).containsExactly(new Tag("v1"));
    }

    @Test
    void nameThatAnotherToolGaveToSeveralStaysWithThoseThatAreNotDeleted() throws IOException {
        LayoutIndex index = parse(
                foreign(FIRST, "app:v1"), foreign(SECOND, "app:v1"), foreign(FIRST, "app:v1"), foreign(FIRST, "rel+1"));

        index.untagAll(APP, FIRST.digest());

        assertThat(index.find(APP, new Tag("v1"))).map(Descriptor::digest).contains(SECOND.digest());
        assertThat(index.isNamed(FIRST.digest())).as("by what is no tag").isTrue();
        assertThat(new String(index.toBytes(), StandardCharsets.UTF_8)).contains("rel+1");
    }
}
