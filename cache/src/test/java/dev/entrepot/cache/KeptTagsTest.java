package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeptTagsTest {
    private static final Repository REPOSITORY = Repository.parse("docker.io/library/alpine");

    private static KeptDocument document(byte[] json) {
        return new KeptDocument(json, Instant.EPOCH);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 16, 17, 1000})
    void whatWasWrittenIsReadInOrder(int count) {
        TreeSet<Tag> tags = new TreeSet<>(
                IntStream.range(0, count).mapToObj(i -> new Tag("v" + i)).toList());
        for (boolean mayBeCut : List.of(false, true)) {
            KeptTags read =
                    KeptTags.read(document(KeptTags.write(tags, mayBeCut))).orElseThrow();
            assertThat(read).containsExactlyElementsOf(tags);
            assertThat(KeptTags.mayBeCut(read)).isEqualTo(mayBeCut);
        }
    }

    @Test
    void documentsAreTheArraysOfStringsThatTheyAlwaysWere() {
        byte[] json = KeptTags.write(new TreeSet<>(List.of(new Tag("latest"), new Tag("1.0"))), false);
        assertThat(json).asString(StandardCharsets.UTF_8).isEqualTo("[\"1.0\",\"latest\"]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            quoteCharacter = '\'',
            value = {
                "x",
                "{}",
                "[",
                "]",
                "[\"]",
                "[\"\"]",
                "[\"a\",]",
                "[,\"a\"]",
                "[\"a\"\"b\"]",
                "[\"b\",\"a\"]",
                "[\"a\",\"a\"]",
                "[\"a/b\"]",
                "[\"-a\"]",
                "[\"a\",1]",
                "[\"a]",
                "[\"a\";\"b\"]"
            })
    void whatIsNoSuchListIsNotRead(String json) {
        assertThat(KeptTags.read(document(json.getBytes(StandardCharsets.UTF_8))))
                .isEmpty();
    }

    @Test
    void whoAsksAtOneTimeSharesOneList(@TempDir Path directory) throws IOException {
        try (CacheFixture fixture = new CacheFixture(directory)) {
            fixture.index
                    .lists()
                    .putTags(
                            REPOSITORY,
                            new KeptDocument("[\"a\"]".getBytes(StandardCharsets.UTF_8), fixture.clock.instant()));
            PullThrough repository = fixture.cache.repository(new FakeUpstream(REPOSITORY.toString()));
            List<Tag> first = repository.tags().content();
            List<Tag> second = fixture.cache
                    .repository(new FakeUpstream(REPOSITORY.toString()))
                    .tags()
                    .content();
            assertThat(first).containsExactly(new Tag("a"));
            assertThat(second).isSameAs(first);
        }
    }

    @Test
    void documentWithoutRoomInTheCacheIsInMemoryOnceAndIsReplaced(@TempDir Path directory) throws IOException {
        try (CacheFixture fixture = new CacheFixture(directory)) {
            Instant now = fixture.clock.instant();
            fixture.index.lists().putTags(REPOSITORY, new KeptDocument(new byte[17 << 20], now));
            fixture.index.flush();
            KeptDocument first = fixture.index.lists().tags(REPOSITORY).orElseThrow();
            assertThat(fixture.index.lists().tags(REPOSITORY).orElseThrow()).isSameAs(first);
            fixture.index.lists().putTags(REPOSITORY, new KeptDocument(new byte[17 << 20], now.plusMillis(1)));
            fixture.index.flush();
            assertThat(fixture.index.lists().tags(REPOSITORY).orElseThrow().fetchedAt())
                    .isEqualTo(now.plusMillis(1));
            assertThat(first.fetchedAt()).isEqualTo(now);
        }
    }
}
