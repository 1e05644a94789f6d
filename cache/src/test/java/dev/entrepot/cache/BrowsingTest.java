package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrowsingTest {
    private static final Repository APP = Repository.parse("docker.io/library/app");

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private Browsing browsing;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory);
        browsing = new Browsing(fixture.index);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private static Digest digest(int number) {
        return Digest.sha256(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
    }

    private void tag(Repository repository, String tag) {
        fixture.index
                .tags()
                .put(
                        repository,
                        new Tag(tag),
                        new TagRecord(digest(1), fixture.clock.instant(), fixture.clock.instant()));
    }

    @Test
    void repositoryIsSummedUp() throws IOException {
        FakeUpstream upstream = new FakeUpstream("docker.io/library/app");
        ManifestBytes image = CacheFixture.image(upstream, CacheFixture.randomBytes(1000, 1));
        upstream.tag("v1", image);
        PullThrough repository = fixture.repository(upstream);
        repository.manifest(new Tag("v1"));
        for (Descriptor blob : dev.entrepot.oci.Manifest.parse(image).blobs()) {
            CacheFixture.readAll(repository, blob.digest());
        }
        fixture.awaitIdle();
        Browsing.RepositoryLine line = browsing.lines(List.of(APP)).getFirst();
        assertThat(line.tags()).isEqualTo(1);
        assertThat(line.manifests()).isEqualTo(1);
        assertThat(line.blobs()).isEqualTo(2);
        assertThat(line.bytes()).isGreaterThan(1000);
        assertThat(line.atLeast()).isFalse();
        assertThat(line.lastUsed()).isPresent();
        assertThat(browsing.tags(APP, Optional.empty(), "", false, 10)
                        .getFirst()
                        .manifest())
                .isPresent();
        assertThat(browsing.manifests(APP, 10)).hasSize(1);
    }

    @Test
    void sumsOfARepositoryWithVeryManyLinksSayThatThereIsMore() throws IOException {
        List<Link> links = new ArrayList<>();
        for (int i = 0; i <= Browsing.LINKS_SUMMED; i++) {
            links.add(new Link(digest(i), OptionalLong.empty(), false));
        }
        fixture.index.links().add(APP, links);
        assertThat(browsing.lines(List.of(APP)).getFirst().atLeast()).isTrue();
    }

    @Test
    void repositoryThatIsNotKnownHasNothing() throws IOException {
        Browsing.RepositoryLine line = browsing.lines(List.of(APP)).getFirst();
        assertThat(line.tags()).isZero();
        assertThat(line.lastUsed()).isEmpty();
        assertThat(browsing.tags(APP, Optional.empty(), "", true, 10)).isEmpty();
    }

    @Test
    void tagsComeInPagesWithoutThoseThatStandForReferrers() throws IOException {
        tag(APP, "1.0");
        tag(APP, "1.1-RC");
        tag(APP, "2.0");
        tag(APP, digest(1).referrersTag().value() + ".sig");
        assertThat(browsing.tags(APP, Optional.empty(), "", false, 2))
                .extracting(line -> line.tag().value())
                .containsExactly("1.0", "1.1-RC");
        assertThat(browsing.tags(APP, Optional.of(new Tag("1.1-RC")), "", false, 2))
                .extracting(line -> line.tag().value())
                .containsExactly("2.0");
        assertThat(browsing.tags(APP, Optional.empty(), "rc", false, 2)).hasSize(1);
        assertThat(browsing.tags(APP, Optional.empty(), "", true, 9)).hasSize(4);
    }

    @Test
    void searchFindsTagsOfAllRepositoriesAndSaysWhetherThereAreMore() throws IOException {
        for (int i = 0; i < 5; i++) {
            Repository repository = Repository.parse("docker.io/library/app" + i);
            fixture.index.links().add(repository, List.of(new Link(digest(i), OptionalLong.empty(), true)));
            tag(repository, "3.20");
        }
        assertThat(browsing.searchTags("3.2", "", 5).found()).hasSize(5);
        assertThat(browsing.searchTags("3.2", "", 5).complete()).isTrue();
        assertThat(browsing.searchTags("3.2", "", 4).complete()).isFalse();
        assertThat(browsing.searchTags("3.2", "app3", 5).found())
                .extracting(Browsing.FoundTag::repository)
                .containsExactly(Repository.parse("docker.io/library/app3"));
        assertThat(browsing.searchTags("%", "", 5).found()).isEmpty();
        assertThat(browsing.having(digest(3), 5).found()).containsExactly(Repository.parse("docker.io/library/app3"));
    }
}
