package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/**
 * What the index remembers, also across restarts, crashes and damage. Long, because each is one case over the same
 * store.
 */
class CacheIndexTest {
    private static final Repository BY = Repository.parse("docker.io/library/user");
    private static final Repository ALPINE = Repository.parse("docker.io/library/alpine");
    private static final Repository BUSYBOX = Repository.parse("docker.io/library/busybox");
    private static final Tag LATEST = new Tag("latest");
    private static final Instant START = Instant.parse("2026-11-20T12:00:00Z");

    private final SettableClock clock = new SettableClock(START);

    @TempDir
    Path directory;

    private ContentStore store;
    private CacheIndex index;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
    }

    @AfterEach
    void close() throws IOException {
        index.close();
        store.close();
    }

    private void restart() throws IOException {
        close();
        open();
    }

    /** What is put is there at once, after the commit, and after a restart. */
    private <T> void always(Supplier<T> question, T answer) throws IOException {
        assertThat(question.get()).isEqualTo(answer);
        index.flush();
        assertThat(question.get()).isEqualTo(answer);
        restart();
        assertThat(question.get()).isEqualTo(answer);
    }

    private static Digest digest(int seed) {
        return Digest.sha256(new byte[] {(byte) seed, (byte) (seed >> 8)});
    }

    @Test
    void sameReferrersAgainAreNoChangeInWhateverOrder() {
        List<ManifestReference> changed = new ArrayList<>();
        index.contents().watch(new ContentWatcher() {
            @Override
            public void stored(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner) {}

            @Override
            public void used(Digest digest, Repository by) {}

            @Override
            public void removed(Digest digest) {}

            @Override
            public void changed(Repository repository, ManifestReference what) {
                changed.add(what);
            }
        });
        putReferrers(1);
        assertThat(changed).hasSize(1);
        putReferrers(1);
        putReferrers(1, 2);
        assertThat(changed).hasSize(2);
        putReferrers(2, 1);
        assertThat(changed).hasSize(2);
        putReferrers();
        assertThat(changed).hasSize(3);
        putReferrers();
        assertThat(changed).hasSize(3);
    }

    private void putReferrers(int... seeds) {
        String manifests = IntStream.of(seeds)
                .mapToObj(seed -> Descriptor.of(MediaType.OCI_MANIFEST, digest(seed), seed))
                .map(descriptor -> DescriptorJson.write(descriptor).toString())
                .collect(Collectors.joining(",", "[", "]"));
        String json = "{\"origin\":\"API\",\"manifests\":" + manifests + "}";
        index.lists()
                .putReferrers(
                        ALPINE, digest(0), new KeptDocument(json.getBytes(StandardCharsets.UTF_8), clock.instant()));
    }

    @Test
    void linkIsKnownForItsRepositoryOnly() throws IOException {
        Link link = new Link(digest(1), OptionalLong.of(77), false);
        index.links().add(ALPINE, List.of(link));
        always(() -> index.links().get(ALPINE, digest(1)), Optional.of(link));
        always(() -> index.links().get(BUSYBOX, digest(1)), Optional.empty());
    }

    @Test
    void linkOfUnknownSizeIsALink() throws IOException {
        Link link = new Link(digest(1), OptionalLong.empty(), true);
        index.links().add(ALPINE, List.of(link));
        always(() -> index.links().get(ALPINE, digest(1)), Optional.of(link));
    }

    @Test
    void knownSizeOfALinkStaysKnown() throws IOException {
        index.links().add(ALPINE, List.of(new Link(digest(1), OptionalLong.of(0), false)));
        restart();
        index.links().add(ALPINE, List.of(new Link(digest(1), OptionalLong.empty(), false)));
        always(() -> index.links().get(ALPINE, digest(1)), Optional.of(new Link(digest(1), OptionalLong.of(0), false)));
    }

    @Test
    void linkThatWasAskedForInVainIsFoundOnceItIsAdded() throws IOException {
        assertThat(index.links().get(ALPINE, digest(1))).isEmpty();
        Link link = new Link(digest(1), OptionalLong.of(5), false);
        index.links().add(ALPINE, List.of(link));
        always(() -> index.links().get(ALPINE, digest(1)), Optional.of(link));
    }

    @Test
    void linkToADigestThatCannotBeVerifiedIsKept() throws IOException {
        Digest odd = Digest.parse("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8");
        Link link = new Link(odd, OptionalLong.of(5), false);
        index.links().add(ALPINE, List.of(link));
        always(() -> index.links().get(ALPINE, odd), Optional.of(link));
    }

    @Test
    void tagKeepsItsTimesToTheMillisecond() throws IOException {
        TagRecord found = new TagRecord(digest(1), START.plusNanos(1_234_567), START.minusSeconds(9));
        index.tags().put(ALPINE, LATEST, found);
        always(() -> index.tags().get(ALPINE, LATEST), Optional.of(found));
        index.tags().remove(ALPINE, LATEST);
        always(() -> index.tags().get(ALPINE, LATEST), Optional.empty());
    }

    @Test
    void tagKeepsTypeAndSizeOfWhatItNames() throws IOException {
        Descriptor said = Descriptor.of(MediaType.OCI_INDEX, digest(1), 1234);
        TagRecord found = new TagRecord(
                digest(1), START, START, Optional.of(said.asReferrer(Optional.of("text/x"), Map.of("a", "b"))));
        index.tags().put(ALPINE, LATEST, found);
        always(() -> index.tags().get(ALPINE, LATEST).flatMap(TagRecord::descriptor), Optional.of(said));
    }

    @Test
    void tagsAreListedInOrderWithThoseNotCommittedYet() throws IOException {
        TagRecord found = new TagRecord(digest(1), START, START);
        for (String tag : List.of("b", "a", "B")) {
            index.tags().put(ALPINE, new Tag(tag), found);
        }
        index.flush();
        index.tags().put(ALPINE, new Tag("c"), found);
        index.tags().remove(ALPINE, new Tag("a"));
        index.tags().put(BUSYBOX, new Tag("x"), found);
        assertThat(index.tags().knownIn(ALPINE)).extracting(Tag::value).containsExactly("B", "b", "c");
        index.flush();
        assertThat(index.tags().knownIn(ALPINE)).extracting(Tag::value).containsExactly("B", "b", "c");
    }

    @Test
    void documentsAreKeptWithTheirAge() throws IOException {
        index.lists()
                .putReferrers(ALPINE, digest(1), new KeptDocument("{\"a\":1}".getBytes(StandardCharsets.UTF_8), START));
        index.lists()
                .putTags(ALPINE, new KeptDocument("{\"b\":2}".getBytes(StandardCharsets.UTF_8), START.minusSeconds(1)));
        always(
                () -> new String(
                        index.lists().referrers(ALPINE, digest(1)).orElseThrow().json(), StandardCharsets.UTF_8),
                "{\"a\":1}");
        always(() -> new String(index.lists().tags(ALPINE).orElseThrow().json(), StandardCharsets.UTF_8), "{\"b\":2}");
        always(() -> index.lists().tags(ALPINE).orElseThrow().fetchedAt(), START.minusSeconds(1));
        assertThat(index.lists().referrers(ALPINE, digest(2))).isEmpty();
        assertThat(index.lists().tags(BUSYBOX)).isEmpty();
    }

    @Test
    void documentsAreForgottenAfterAMonth() throws IOException {
        index.lists().putTags(ALPINE, new KeptDocument(new byte[] {'x'}, START));
        clock.advance(Duration.ofDays(29));
        restart();
        assertThat(index.lists().tags(ALPINE)).isPresent();
        clock.advance(Duration.ofDays(2));
        restart();
        assertThat(index.lists().tags(ALPINE)).isEmpty();
    }

    @Test
    void repositoriesAreListedInPages() throws IOException {
        for (String name : List.of("quay.io/b/c", "docker.io/z", "docker.io/a", "a.example/x/y")) {
            index.links().add(Repository.parse(name), List.of(new Link(digest(1), OptionalLong.empty(), false)));
            if (name.equals("docker.io/z")) {
                index.flush();
            }
        }
        index.tags().put(BUSYBOX, LATEST, new TagRecord(digest(1), START, START));
        assertThat(index.links().repositories(Optional.empty(), 2))
                .extracting(Repository::toString)
                .containsExactly("a.example/x/y", "docker.io/a");
        index.flush();
        assertThat(index.links().repositories(Optional.of(Repository.parse("docker.io/a")), 10))
                .extracting(Repository::toString)
                .containsExactly("docker.io/z", "quay.io/b/c");
    }

    @Test
    void repositoriesOfARegistryAreListedHoweverManyThereAreOfOthers() throws IOException {
        for (String name : List.of("a.example/x", "a.example/y", "docker.io/a", "docker.io/b", "quay.io/a")) {
            if (name.equals("docker.io/b")) {
                index.flush();
            }
            index.links().add(Repository.parse(name), List.of(new Link(digest(1), OptionalLong.empty(), false)));
        }
        assertThat(index.links().repositories(new RegistryHost("docker.io"), 2))
                .extracting(Repository::toString)
                .containsExactly("docker.io/a", "docker.io/b");
        assertThat(index.links().repositories(new RegistryHost("b.example"), 2)).isEmpty();
    }

    @Test
    void storedContentIsCountedOnce() throws IOException {
        index.contents().stored(digest(1), ContentKind.BLOB, 100, Optional.empty());
        index.contents().stored(digest(2), ContentKind.MANIFEST, 10, Optional.of(MediaType.OCI_INDEX));
        index.contents().stored(digest(1), ContentKind.BLOB, 100, Optional.empty());
        index.contents().stored(digest(2), ContentKind.MANIFEST, 10, Optional.empty());
        always(index.contents()::storedBytes, 110L);
        always(index.contents()::storedCount, 2L);
        always(() -> index.contents().manifestType(digest(2)), Optional.of(MediaType.OCI_INDEX));
        index.contents().removed(digest(1));
        index.contents().removed(digest(1));
        index.contents().removed(digest(3));
        always(index.contents()::storedBytes, 10L);
        always(index.contents()::storedCount, 1L);
    }

    @Test
    void orderOfLastUseSurvivesARestart() throws IOException {
        for (int i = 1; i <= 5; i++) {
            index.contents().stored(digest(i), ContentKind.BLOB, i, Optional.empty());
            clock.advance(Duration.ofMinutes(1));
        }
        index.contents().touched(digest(2), BY);
        clock.advance(Duration.ofMinutes(1));
        index.contents().touched(digest(1), BY);
        clock.advance(Duration.ofMinutes(1));
        index.contents().stored(digest(6), ContentKind.BLOB, 6, Optional.empty());
        List<Long> order = List.of(3L, 4L, 5L, 2L, 1L, 6L);
        always(() -> leastRecentlyUsed(10), order);
        always(() -> leastRecentlyUsed(4), order.subList(0, 4));
    }

    @Test
    void useThatIsNotWrittenYetCounts() throws IOException {
        index.contents().stored(digest(1), ContentKind.BLOB, 1, Optional.empty());
        index.contents().stored(digest(2), ContentKind.BLOB, 2, Optional.empty());
        index.contents().stored(digest(3), ContentKind.BLOB, 3, Optional.empty());
        index.flush();
        clock.advance(Duration.ofMinutes(1));
        index.contents().touched(digest(1), BY);
        index.contents().removed(digest(2));
        assertThat(leastRecentlyUsed(1)).containsExactly(3L);
        assertThat(leastRecentlyUsed(5)).containsExactly(3L, 1L);
    }

    @Test
    void usesCloseTogetherCountAsOne() throws IOException {
        index.contents().stored(digest(1), ContentKind.BLOB, 1, Optional.empty());
        index.contents().stored(digest(2), ContentKind.BLOB, 2, Optional.empty());
        clock.advance(Duration.ofMinutes(1));
        index.contents().touched(digest(1), BY);
        clock.advance(Duration.ofSeconds(10));
        index.contents().touched(digest(2), BY);
        clock.advance(Duration.ofSeconds(10));
        index.contents().touched(digest(1), BY);
        assertThat(leastRecentlyUsed(2)).containsExactly(1L, 2L);
        clock.advance(Duration.ofSeconds(11));
        index.contents().touched(digest(1), BY);
        assertThat(leastRecentlyUsed(2)).containsExactly(2L, 1L);
    }

    private List<Long> leastRecentlyUsed(int n) {
        try {
            return index.contents().leastRecentlyUsed(n).stream()
                    .map(Candidate::bytes)
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void indexOfANewerProgramIsRefusedAndLeftAlone() throws IOException, SQLException {
        index.close();
        sql("PRAGMA user_version = 99");
        byte[] before = Files.readAllBytes(directory.resolve("index.db"));
        assertThatThrownBy(() -> CacheIndex.open(store, clock))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("format 99")
                .hasMessageContaining("another cache directory");
        assertThat(directory.resolve("index.db")).hasBinaryContent(before);
        sql("PRAGMA user_version = 1");
        index = CacheIndex.open(store, clock);
    }

    @Test
    void olderFormatsAreMovedForwardWithWhatTheyHold() throws IOException, SQLException {
        Path file = directory.resolve("old.db");
        try (Connection connection = new SQLiteConfig().createConnection("jdbc:sqlite:" + file)) {
            List<String> first = List.of("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (7)");
            List<String> second = List.of("ALTER TABLE a ADD COLUMN y INTEGER", "UPDATE a SET y = x + 1");
            IndexSchema.migrate(connection, List.of(first));
            IndexSchema.migrate(connection, List.of(first, second));
            IndexSchema.migrate(connection, List.of(first, second));
            try (var row = connection.createStatement().executeQuery("SELECT y FROM a")) {
                assertThat(row.next()).isTrue();
                assertThat(row.getInt(1)).isEqualTo(8);
                assertThat(row.next()).isFalse();
            }
        }
    }

    @Test
    void indexOfEachFormerFormatIsMovedForwardWithItsTagsLinksAndContent() throws IOException, SQLException {
        store.putManifest(Digest.sha256(new byte[] {7}), new byte[] {7});
        for (int steps = 1; steps < IndexSchema.STEPS.size(); steps++) {
            index.close();
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.filter(
                                one -> one.getFileName().toString().startsWith("index.db"))
                        .toList()) {
                    Files.delete(file);
                }
            }
            try (Connection connection =
                    new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"))) {
                IndexSchema.migrate(connection, IndexSchema.STEPS.subList(0, steps));
            }
            sql("INSERT INTO meta VALUES ('clean', 1)");
            sql("INSERT INTO repositories VALUES (3, 'docker.io', 'library/alpine')");
            String hex = "x'01" + Digest.sha256(new byte[] {7}).encoded() + "'";
            sql("INSERT INTO links (repository, digest, bytes, manifest) VALUES (3, " + hex + ", 1, 1)");
            sql("INSERT INTO tags VALUES (3, 'latest', " + hex + ", " + START.toEpochMilli() + ", 0)");
            sql("INSERT INTO content (digest, kind, bytes, last_used) VALUES (" + hex + ", " + IndexUpdates.MANIFEST
                    + ", 1, 0)");

            index = CacheIndex.open(store, clock);

            assertThat(index.wasRebuilt()).isFalse();
            assertThat(index.tags().get(ALPINE, LATEST).orElseThrow().digest())
                    .isEqualTo(Digest.sha256(new byte[] {7}));
            assertThat(index.tags().get(ALPINE, LATEST).orElseThrow().descriptor())
                    .isEmpty();
            assertThat(index.links().get(ALPINE, Digest.sha256(new byte[] {7})))
                    .contains(new Link(Digest.sha256(new byte[] {7}), OptionalLong.of(1), true));
            assertThat(index.contents().storedCount()).isEqualTo(1);
        }
    }

    private void sql(String statement) throws SQLException {
        try (Connection connection =
                        new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                Statement run = connection.createStatement()) {
            run.execute(statement);
        }
    }

    @Test
    void fileThatIsNoDatabaseIsPutAsideAndContentRegisteredFromTheTree() throws IOException {
        damagedIndexIsMadeAgain("this is not a database, and long enough to be looked at as one. "
                .repeat(40)
                .getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void databaseWithoutOurTablesIsPutAside() throws IOException, SQLException {
        Path other = directory.resolve("other.db");
        try (Connection connection = new SQLiteConfig().createConnection("jdbc:sqlite:" + other);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE tags (other INTEGER)");
        }
        damagedIndexIsMadeAgain(Files.readAllBytes(other));
    }

    @Test
    void damagedIndexesAreAllKept() throws IOException {
        for (int i = 1; i <= 3; i++) {
            index.close();
            Files.writeString(directory.resolve("index.db"), "damage " + i);
            index = CacheIndex.open(store, clock);
            assertThat(directory.resolve("index.db.corrupt-" + i)).hasContent("damage " + i);
        }
    }

    private void damagedIndexIsMadeAgain(byte[] damaged) throws IOException {
        Digest blob = Samples.store(store, Samples.bytes(1, 1000));
        byte[] manifest = Samples.bytes(2, 200);
        store.putManifest(Digest.sha256(manifest), manifest);
        StoreLayout layout = store.layout();
        Files.setLastModifiedTime(layout.content(ContentKind.BLOB, blob), FileTime.from(START.minusSeconds(10)));
        Files.setLastModifiedTime(
                layout.content(ContentKind.MANIFEST, Digest.sha256(manifest)), FileTime.from(START.minusSeconds(20)));
        index.links().add(ALPINE, List.of(new Link(blob, OptionalLong.of(1000), false)));
        index.close();
        Files.write(directory.resolve("index.db"), damaged);

        index = CacheIndex.open(store, clock);
        assertThat(index.wasRebuilt()).isTrue();
        assertThat(directory.resolve("index.db.corrupt-1")).hasSize(damaged.length);
        assertThat(index.contents().storedBytes()).isEqualTo(1200);
        assertThat(index.contents().leastRecentlyUsed(5))
                .containsExactly(
                        new Candidate(Digest.sha256(manifest), ContentKind.MANIFEST, 200, START.minusSeconds(20)),
                        new Candidate(blob, ContentKind.BLOB, 1000, START.minusSeconds(10)));
        assertThat(index.links().get(ALPINE, blob)).isEmpty();
        restart();
        assertThat(index.wasRebuilt()).isFalse();
        assertThat(index.contents().storedBytes()).isEqualTo(1200);
    }

    @Test
    void damageDeepInTheFileIsFoundAfterACrash() throws IOException, SQLException {
        for (int i = 0; i < 3000; i++) {
            index.links().add(ALPINE, List.of(new Link(digest(i), OptionalLong.of(i), false)));
        }
        index.close();
        sql("UPDATE meta SET value = 0");
        Path file = directory.resolve("index.db");
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 40_000, bytes.length, (byte) 0x5a);
        Files.write(file, bytes);
        index = CacheIndex.open(store, clock);
        assertThat(index.wasRebuilt()).isTrue();
        assertThat(index.links().get(ALPINE, digest(1))).isEmpty();
    }

    @Test
    void indexAgreesWithTheFilesAfterACrash() throws IOException, SQLException {
        Digest kept = Samples.store(store, Samples.bytes(1, 100));
        Digest unheardOf = Samples.store(store, Samples.bytes(2, 20));
        index.contents().stored(kept, ContentKind.BLOB, 100, Optional.empty());
        index.contents().stored(digest(9), ContentKind.BLOB, 3, Optional.empty());
        index.links().add(ALPINE, List.of(new Link(kept, OptionalLong.of(100), false)));
        index.close();
        sql("UPDATE meta SET value = 0");
        index = CacheIndex.open(store, clock);
        assertThat(index.wasRebuilt()).isFalse();
        assertThat(index.contents().storedBytes()).isEqualTo(120);
        assertThat(index.contents().leastRecentlyUsed(10))
                .extracting(Candidate::digest)
                .containsExactlyInAnyOrder(kept, unheardOf);
        assertThat(index.links().get(ALPINE, kept)).isPresent();
    }

    @Test
    void afterACrashItIsThereAtOnceAndComparedInTheBackground() throws Exception {
        Digest unheardOf = crashWithAFileMoreAndARowTooMany();
        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isFalse();
        assertThat(index.contents().storedBytes()).isEqualTo(103);
        try (ComparisonAtStart comparison = ComparisonAtStart.of(store, index, Duration.ZERO)) {
            comparison.await();
        }
        assertThat(index.isCompared()).isTrue();
        assertThat(index.contents().storedBytes()).isEqualTo(120);
        assertThat(index.contents().isStored(unheardOf)).isTrue();
        index.close();
        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isTrue();
    }

    @Test
    void comparisonThatWasBrokenOffIsDoneByTheNextStart() throws Exception {
        crashWithAFileMoreAndARowTooMany();
        index = CacheIndex.openAtOnce(store, clock);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> IndexComparison.run(store, index)).isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).isTrue();
        index.close();
        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isFalse();
        index.close();
        index = CacheIndex.open(store, clock);
        assertThat(index.contents().storedBytes()).isEqualTo(120);
    }

    @Test
    void interruptedThreadGetsItsAnswerAndLeavesNothingToCompare() throws Exception {
        Link link = new Link(digest(1), OptionalLong.of(5), false);
        index.links().add(ALPINE, List.of(link));
        restart();
        Thread.currentThread().interrupt();
        assertThat(index.links().get(ALPINE, digest(1))).contains(link);
        assertThat(Thread.interrupted()).isTrue();
        index.close();
        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isTrue();
    }

    private Digest crashWithAFileMoreAndARowTooMany() throws IOException, SQLException {
        index.contents().stored(Samples.store(store, Samples.bytes(1, 100)), ContentKind.BLOB, 100, Optional.empty());
        index.contents().stored(digest(9), ContentKind.BLOB, 3, Optional.empty());
        Digest unheardOf = Samples.store(store, Samples.bytes(2, 20));
        index.close();
        sql("UPDATE meta SET value = 0");
        return unheardOf;
    }

    @Test
    void deletedIndexFileIsMadeAgainFromTheTree() throws IOException {
        Samples.store(store, Samples.bytes(1, 100));
        index.close();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                if (file.getFileName().toString().startsWith("index.db")) {
                    Files.delete(file);
                }
            }
        }
        index = CacheIndex.open(store, clock);
        assertThat(index.contents().storedBytes()).isEqualTo(100);
        assertThat(index.wasRebuilt()).isTrue();
    }

    @Test
    void manyThreadsSeeWhatTheyPutAndTheSumsAreExact() throws Exception {
        int threads = 8;
        int each = 90;
        try (var scope = Executors.newVirtualThreadPerTaskExecutor()) {
            var done = new ArrayList<Future<?>>();
            for (int t = 0; t < threads; t++) {
                int own = t;
                done.add(scope.submit(() -> {
                    for (int i = 0; i < each; i++) {
                        Digest digest = digest(own * each + i);
                        Digest shared = digest(60_000 + i);
                        index.contents().stored(digest, ContentKind.BLOB, 10, Optional.empty());
                        index.contents().stored(shared, ContentKind.BLOB, 7, Optional.empty());
                        index.links().add(ALPINE, List.of(new Link(digest, OptionalLong.of(own), false)));
                        if (i % 3 == 0) {
                            index.contents().removed(digest);
                        }
                        assertThat(index.links().get(ALPINE, digest)).isPresent();
                    }
                }));
            }
            for (var one : done) {
                one.get(30, TimeUnit.SECONDS);
            }
        }
        long bytes = threads * (each - 30) * 10L + each * 7L;
        always(index.contents()::storedBytes, bytes);
        always(index.contents()::storedCount, threads * (each - 30L) + each);
    }

    @Test
    void databaseThatRefusesMakesTheCacheForgetfulNotUnable() throws IOException, SQLException {
        index.contents().stored(digest(1), ContentKind.BLOB, 5, Optional.empty());
        index.flush();
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"))) {
            // The writer's statement fails while the table it wants has another shape.
            other.createStatement().execute("ALTER TABLE tags RENAME TO hidden");
            index.tags().put(ALPINE, LATEST, new TagRecord(digest(1), START, START));
            index.links().get(ALPINE, digest(1));
            assertThatThrownBy(index::flush).isInstanceOf(IOException.class);
            assertThat(index.tags().get(ALPINE, LATEST)).isPresent();
            assertThat(index.tags().get(ALPINE, new Tag("never-asked"))).isEmpty();
            other.createStatement().execute("ALTER TABLE hidden RENAME TO tags");
        }
        index.links().add(ALPINE, List.of(new Link(digest(1), OptionalLong.of(5), false)));
        try {
            index.flush();
        } catch (IOException lostMeanwhile) {
            // It was tried once more before the table came back.
            index.flush();
        }
        assertThat(index.problem()).isEmpty();
        assertThat(index.lostChanges()).isPositive();
        restart();
        assertThat(index.links().get(ALPINE, digest(1))).isPresent();
    }

    @Test
    void linksThatTwoThreadsAddAtOnceAreMergedWhole() throws Exception {
        int rounds = 300;
        CyclicBarrier start = new CyclicBarrier(2);
        try (var threads = Executors.newFixedThreadPool(2)) {
            List<Future<?>> adders = new ArrayList<>();
            for (boolean proof : List.of(true, false)) {
                adders.add(threads.submit(() -> {
                    for (int round = 0; round < rounds; round++) {
                        OptionalLong size = proof ? OptionalLong.empty() : OptionalLong.of(round);
                        Link link = new Link(digest(round), size, proof, proof);
                        start.await(30, TimeUnit.SECONDS);
                        index.links().add(ALPINE, List.of(link));
                    }
                    return null;
                }));
            }
            for (Future<?> adder : adders) {
                adder.get(60, TimeUnit.SECONDS);
            }
        }
        index.flush();
        for (int round = 0; round < rounds; round++) {
            assertThat(index.links().get(ALPINE, digest(round)))
                    .contains(new Link(digest(round), OptionalLong.of(round), false, true));
        }
    }

    @Test
    void emptyIndexFileIsAFreshIndex() throws IOException {
        index.close();
        Files.write(directory.resolve("index.db"), new byte[0], StandardOpenOption.TRUNCATE_EXISTING);
        index = CacheIndex.open(store, clock);
        assertThat(index.wasRebuilt()).isFalse();
        assertThat(index.contents().storedCount()).isZero();
    }
}
