package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentKind;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.Inventory;
import dev.entrepot.cache.Link;
import dev.entrepot.cache.TagRecord;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.replication.BadRequestException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class CacheListingTest {
    private static final Repository MANY = Repository.parse("registry.test/many");

    @TempDir
    Path folder;

    private ContentStore store;
    private CacheIndex index;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(folder, Clock.systemUTC());
        index = CacheIndex.open(store, Clock.systemUTC());
        for (int i = 0; i < 7; i++) {
            add(Repository.parse("registry.test/app" + i), i, ContentKind.MANIFEST);
            // Linked, and not stored: nothing is shown of these.
            index.links()
                    .add(
                            Repository.parse("a.test/gone" + i),
                            List.of(new Link(digest(1000 + i), OptionalLong.empty(), false)));
            index.links().add(MANY, List.of(new Link(digest(2000 + i), OptionalLong.empty(), false)));
        }
        for (int i = 0; i < 9; i++) {
            add(MANY, 100 + i, i % 2 == 0 ? ContentKind.BLOB : ContentKind.MANIFEST);
            index.tags().put(MANY, new Tag("v" + i), new TagRecord(digest(100 + i), Instant.EPOCH, Instant.EPOCH));
        }
        index.flush();
    }

    private void add(Repository repository, int number, ContentKind kind) {
        index.links()
                .add(
                        repository,
                        List.of(new Link(digest(number), OptionalLong.of(number), kind == ContentKind.MANIFEST)));
        index.contents().stored(digest(number), kind, number, Optional.empty());
    }

    private static Digest digest(int number) {
        return Digest.sha256(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
    }

    @AfterEach
    void close() throws Exception {
        index.close();
        store.close();
    }

    private List<JsonNode> pages(Optional<String> repository, int rows) throws Exception {
        CacheListing listing = new CacheListing(new Inventory(index), rows);
        List<JsonNode> pages = new ArrayList<>();
        JsonNode page = listing.page(repository, Optional.empty());
        pages.add(page);
        while (page.has("next")) {
            page = listing.page(repository, Optional.of(page.path("next").asString("")));
            pages.add(page);
        }
        return pages;
    }

    private JsonNode all(Optional<String> repository, int rows) throws Exception {
        CacheListing listing = new CacheListing(new Inventory(index), rows);
        return CacheListing.all(next -> listing.page(repository, next));
    }

    @Test
    void noPageHasMoreRowsThanItMayAndAllOfThemAreTheList() throws Exception {
        for (Optional<String> repository : List.of(Optional.<String>empty(), Optional.of(MANY.toString()))) {
            for (int rows : List.of(1, 2, 3, 9)) {
                assertThat(pages(repository, rows)).allSatisfy(page -> {
                    assertThat(page.path("repositories").size()).isLessThanOrEqualTo(rows);
                    assertThat(page.path("tags").size()).isLessThanOrEqualTo(rows);
                    assertThat(page.path("contents").size()).isLessThanOrEqualTo(rows);
                });
                assertThat(all(repository, rows)).isEqualTo(all(repository, 1000));
            }
            assertThat(pages(repository, 1000)).hasSize(1);
        }
    }

    @Test
    void repositoriesAreThoseOfWhichAnythingIsStoredInOrder() throws Exception {
        JsonNode repositories = all(Optional.empty(), 3).path("repositories");
        assertThat(repositories.values())
                .extracting(one -> one.path("repository").asString(""))
                .containsExactly(
                        "registry.test/app0",
                        "registry.test/app1",
                        "registry.test/app2",
                        "registry.test/app3",
                        "registry.test/app4",
                        "registry.test/app5",
                        "registry.test/app6",
                        "registry.test/many");
        JsonNode many = repositories.path(7);
        assertThat(many.path("tags").asInt()).isEqualTo(9);
        assertThat(many.path("manifests").asInt()).isEqualTo(4);
        assertThat(many.path("blobs").asInt()).isEqualTo(5);
        assertThat(many.path("bytes").asInt()).isEqualTo(936);
    }

    @Test
    void ofOneRepositoryAllTagsAndAllThatIsStoredAreListedManifestsFirst() throws Exception {
        JsonNode many = all(Optional.of(MANY.toString()), 2);
        assertThat(many.path("repository").asString("")).isEqualTo(MANY.toString());
        assertThat(many.has("next")).isFalse();
        assertThat(many.path("tags").values())
                .extracting(tag -> tag.path("tag").asString(""))
                .containsExactly("v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8");
        assertThat(many.path("contents").values())
                .extracting(content -> content.path("kind").asString(""))
                .containsExactly(
                        "manifest", "manifest", "manifest", "manifest", "blob", "blob", "blob", "blob", "blob");
        assertThat(many.path("contents").values())
                .extracting(content -> content.path("bytes").asInt())
                .containsExactlyInAnyOrder(100, 101, 102, 103, 104, 105, 106, 107, 108);
    }

    @Test
    void placeThatIsNoneIsRefused() {
        CacheListing listing = new CacheListing(new Inventory(index));
        assertThatThrownBy(() -> listing.page(Optional.empty(), Optional.of("!")))
                .isInstanceOf(BadRequestException.class);
        for (String after : List.of("sha256:x", "-", "")) {
            assertThatThrownBy(() -> listing.page(Optional.of(MANY.toString()), Optional.of(after)))
                    .isInstanceOf(BadRequestException.class);
        }
    }
}
