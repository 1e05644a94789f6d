package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;

/** Random histories, with restarts in between: the index answers like a few maps in memory do. */
class CacheIndexModelTest {
    private static final Repository BY = Repository.parse("docker.io/library/user");
    private static final Instant START = Instant.parse("2026-11-20T12:00:00Z");
    private static final List<Repository> REPOSITORIES = Stream.of("a.example/z", "docker.io/library/x", "docker.io/y")
            .map(Repository::parse)
            .toList();
    private static final List<Digest> DIGESTS = Stream.of("1", "2", "3", "4", "5")
            .map(text -> Digest.sha256(text.getBytes(StandardCharsets.UTF_8)))
            .toList();
    private static final List<Tag> TAGS = Stream.of("a", "b", "C").map(Tag::new).toList();

    private sealed interface Step {}

    private record AddLink(Repository repository, Link link) implements Step {}

    private record PutTag(Repository repository, Tag tag, Digest digest) implements Step {}

    private record RemoveTag(Repository repository, Tag tag) implements Step {}

    private record PutDocument(Repository repository, Optional<Digest> subject, String json) implements Step {}

    private record RemoveDocument(Repository repository, Optional<Digest> subject) implements Step {}

    private record Store(Digest digest, ContentKind kind, long bytes, Optional<MediaType> type) implements Step {}

    private record Touch(Digest digest) implements Step {}

    private record Remove(Digest digest) implements Step {}

    private record Wait(int seconds) implements Step {}

    private record Flush() implements Step {}

    private record Compare() implements Step {}

    private record Restart() implements Step {}

    @Provide
    Arbitrary<List<Step>> histories() {
        Arbitrary<Repository> repositories = Arbitraries.of(REPOSITORIES);
        Arbitrary<Digest> digests = Arbitraries.of(DIGESTS);
        Arbitrary<Tag> tags = Arbitraries.of(TAGS);
        Arbitrary<OptionalLong> sizes =
                Arbitraries.longs().between(0, 9).map(size -> size == 0 ? OptionalLong.empty() : OptionalLong.of(size));
        Arbitrary<Boolean> flags = Arbitraries.of(true, false);
        Arbitrary<Link> links = Combinators.combine(digests, sizes, flags).as(Link::new);
        Arbitrary<Optional<MediaType>> types =
                Arbitraries.of(Optional.of(MediaType.OCI_INDEX), Optional.of(MediaType.OCI_MANIFEST), Optional.empty());
        Arbitrary<Step> steps = Arbitraries.frequencyOf(
                Tuple.of(6, Combinators.combine(repositories, links).as(AddLink::new)),
                Tuple.of(4, Combinators.combine(repositories, tags, digests).as(PutTag::new)),
                Tuple.of(2, Combinators.combine(repositories, tags).as(RemoveTag::new)),
                Tuple.of(
                        3,
                        Combinators.combine(
                                        repositories,
                                        digests.optional(),
                                        Arbitraries.strings().alpha().ofMaxLength(9))
                                .as(PutDocument::new)),
                Tuple.of(
                        2, Combinators.combine(repositories, digests.optional()).as(RemoveDocument::new)),
                Tuple.of(
                        6,
                        Combinators.combine(
                                        digests,
                                        Arbitraries.of(ContentKind.values()),
                                        Arbitraries.longs().between(0, 99),
                                        types)
                                .as(Store::new)),
                Tuple.of(6, digests.map(Touch::new)),
                Tuple.of(3, digests.map(Remove::new)),
                Tuple.of(6, Arbitraries.integers().between(0, 40).map(Wait::new)),
                Tuple.of(2, Arbitraries.just(new Flush())),
                Tuple.of(2, Arbitraries.just(new Compare())),
                Tuple.of(1, Arbitraries.just(new Restart())));
        return steps.list().ofMinSize(20).ofMaxSize(90);
    }

    @Property(tries = 8, shrinking = ShrinkingMode.BOUNDED)
    void answersLikeMapsInMemoryAlsoAfterRestarts(@ForAll("histories") List<Step> history) throws IOException {
        Path directory = Files.createTempDirectory("index-model");
        try (Pair pair = new Pair(directory)) {
            for (Step step : history) {
                pair.take(step);
            }
            pair.compare();
            pair.restart();
            pair.compare();
        } finally {
            delete(directory);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** The index and the maps that it should agree with. */
    private static final class Pair implements AutoCloseable {
        private final SettableClock clock = new SettableClock(START);
        private final Path directory;
        private ContentStore store;
        private CacheIndex index;

        private final Map<List<Object>, Link> links = new HashMap<>();
        private final Map<List<Object>, TagRecord> tags = new HashMap<>();
        private final Map<List<Object>, String> documents = new HashMap<>();
        private final Map<Digest, IndexedContent> contents = new HashMap<>();
        private final Map<Digest, Instant> recentTouches = new HashMap<>();

        Pair(Path directory) throws IOException {
            this.directory = directory;
            open();
        }

        private void open() throws IOException {
            store = ContentStore.open(directory, clock);
            index = CacheIndex.open(store, clock);
        }

        void restart() throws IOException {
            close();
            open();
            recentTouches.clear();
        }

        @Override
        public void close() throws IOException {
            index.close();
            store.close();
        }

        void take(Step step) throws IOException {
            Instant now = clock.instant();
            switch (step) {
                case AddLink(Repository repository, Link link) -> {
                    index.links().add(repository, List.of(link));
                    links.merge(
                            List.of(repository, link.digest()),
                            link,
                            (old, added) -> new Link(
                                    added.digest(),
                                    added.sizeBytes().isPresent() ? added.sizeBytes() : old.sizeBytes(),
                                    old.manifest() && added.manifest()));
                }
                case PutTag(Repository repository, Tag tag, Digest digest) -> {
                    TagRecord found = new TagRecord(digest, now, START);
                    index.tags().put(repository, tag, found);
                    tags.put(List.of(repository, tag), found);
                }
                case RemoveTag(Repository repository, Tag tag) -> {
                    index.tags().remove(repository, tag);
                    tags.remove(List.of(repository, tag));
                }
                case PutDocument(Repository repository, Optional<Digest> subject, String json) -> {
                    KeptDocument document = new KeptDocument(json.getBytes(StandardCharsets.UTF_8), now);
                    subject.ifPresentOrElse(
                            digest -> index.lists().putReferrers(repository, digest, document),
                            () -> index.lists().putTags(repository, document));
                    documents.put(List.of(repository, subject), json + now);
                }
                case RemoveDocument(Repository repository, Optional<Digest> subject) -> {
                    subject.ifPresentOrElse(
                            digest -> index.lists().removeReferrers(repository, digest),
                            () -> index.lists().removeTags(repository));
                    documents.remove(List.of(repository, subject));
                }
                case Store(Digest digest, ContentKind kind, long bytes, Optional<MediaType> type) -> {
                    index.contents().stored(digest, kind, bytes, type);
                    Optional<MediaType> known =
                            Optional.ofNullable(contents.get(digest)).flatMap(IndexedContent::mediaType);
                    contents.put(digest, new IndexedContent(kind, bytes, type.or(() -> known), now));
                }
                case Touch(Digest digest) -> {
                    index.contents().touched(digest, BY);
                    Instant last = recentTouches.get(digest);
                    if (last == null || !now.isBefore(last.plus(Touches.PAUSE))) {
                        recentTouches.put(digest, now);
                        contents.computeIfPresent(
                                digest,
                                (same, old) -> new IndexedContent(old.kind(), old.bytes(), old.mediaType(), now));
                    }
                }
                case Remove(Digest digest) -> {
                    index.contents().removed(digest);
                    contents.remove(digest);
                    recentTouches.remove(digest);
                }
                case Wait(int seconds) -> clock.advance(Duration.ofSeconds(seconds));
                case Flush() -> index.flush();
                case Compare() -> compare();
                case Restart() -> {
                    compare();
                    // Content without files is forgotten by a start after a crash; these are starts in good order.
                    restart();
                    compare();
                }
            }
        }

        void compare() throws IOException {
            for (Repository repository : REPOSITORIES) {
                TreeSet<Tag> named = new TreeSet<>();
                for (Tag tag : TAGS) {
                    TagRecord expected = tags.get(List.of(repository, tag));
                    assertThat(index.tags().get(repository, tag)).isEqualTo(Optional.ofNullable(expected));
                    if (expected != null) {
                        named.add(tag);
                    }
                }
                assertThat(index.tags().knownIn(repository)).containsExactlyElementsOf(named);
                for (Digest digest : DIGESTS) {
                    Optional<Link> link = Optional.ofNullable(links.get(List.of(repository, digest)));
                    assertThat(index.links().get(repository, digest)).isEqualTo(link);
                    assertThat(text(index.lists().referrers(repository, digest)))
                            .isEqualTo(Optional.ofNullable(documents.get(List.of(repository, Optional.of(digest)))));
                }
                assertThat(text(index.lists().tags(repository)))
                        .isEqualTo(Optional.ofNullable(documents.get(List.of(repository, Optional.empty()))));
            }
            List<Repository> linked = REPOSITORIES.stream()
                    .filter(repository -> links.keySet().stream().anyMatch(key -> key.contains(repository)))
                    .toList();
            assertThat(index.links().repositories(Optional.empty(), 9)).isEqualTo(linked);
            assertThat(index.links().repositories(Optional.of(REPOSITORIES.getFirst()), 1))
                    .isEqualTo(linked.stream()
                            .filter(repository -> !repository.equals(REPOSITORIES.getFirst()))
                            .limit(1)
                            .toList());
            compareContent();
        }

        private void compareContent() throws IOException {
            assertThat(index.contents().storedCount()).isEqualTo(contents.size());
            assertThat(index.contents().storedBytes())
                    .isEqualTo(contents.values().stream()
                            .mapToLong(IndexedContent::bytes)
                            .sum());
            for (Digest digest : DIGESTS) {
                assertThat(index.contents().isStored(digest)).isEqualTo(contents.containsKey(digest));
                assertThat(index.contents().manifestType(digest))
                        .isEqualTo(Optional.ofNullable(contents.get(digest)).flatMap(IndexedContent::mediaType));
            }
            List<Candidate> order = contents.entrySet().stream()
                    .map(entry -> new Candidate(
                            entry.getKey(),
                            entry.getValue().kind(),
                            entry.getValue().bytes(),
                            entry.getValue().lastUsed()))
                    .sorted(Comparator.comparing(Candidate::lastUsed).thenComparing(Candidate::digest))
                    .toList();
            assertThat(index.contents().leastRecentlyUsed(9)).isEqualTo(order);
            // Of those used at the same moment any may come first.
            assertThat(index.contents().leastRecentlyUsed(2))
                    .extracting(Candidate::lastUsed)
                    .isEqualTo(order.stream().limit(2).map(Candidate::lastUsed).toList());
        }

        private static Optional<String> text(Optional<KeptDocument> document) {
            return document.map(kept -> new String(kept.json(), StandardCharsets.UTF_8) + kept.fetchedAt());
        }
    }
}
