package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the journal keeps of runs, tags and content, also over restarts, older formats and damage. Long, because each is
 * one case over the same file and clock.
 */
class CopyJournalTest {
    private static final List<String> BACK_TO_VERSION_7 = List.of(
            "ALTER TABLE run RENAME COLUMN summary TO report",
            "DROP TABLE brought",
            "DROP TABLE completed",
            """
            CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,
                source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL, nodes TEXT NOT NULL,
                at INTEGER NOT NULL, registry TEXT NOT NULL DEFAULT '', PRIMARY KEY(target, repository, tag)) WITHOUT ROWID""",
            "CREATE INDEX completed_by_rule ON completed(rule, target)",
            """
            CREATE TABLE missing(rule TEXT NOT NULL, source TEXT NOT NULL, tag TEXT NOT NULL, since INTEGER NOT NULL,
                PRIMARY KEY(rule, source, tag)) WITHOUT ROWID""");

    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();
    private final RepositoryName app = new RepositoryName("app");
    private final RepositoryName other = new RepositoryName("other");

    private static Digest digest(String seed) {
        return Digest.sha256(seed.getBytes(StandardCharsets.UTF_8));
    }

    private CompletedTag completed(String tag) {
        return new CompletedTag(
                "rule",
                "target",
                "registry.test",
                app,
                other,
                new Tag(tag),
                digest("s"),
                digest("t"),
                "scope",
                List.of(new CompletedTag.Node(digest("a"), "-"), new CompletedTag.Node(digest("b"), "0123")),
                List.of(),
                clock.instant());
    }

    @Test
    void everythingIsThereAfterReopening() throws IOException {
        long run;
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            run = journal.runs().start("rule", "schedule");
            journal.tags().complete(completed("v1"));
            journal.content().blobsAt("target", app, List.of(digest("x"), digest("y")));
            journal.content().blobsAt("target", other, List.of(digest("x")));
            journal.content()
                    .uploadAt("target", app, digest("x"), new UploadSession("/uploads/1", 77, clock.instant()));
            journal.runs().finish(run, "complete", "{}");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).contains(completed("v1"));
            assertThat(journal.tags().completedIn("target", other)).hasSize(1);
            assertThat(journal.tags().completed("elsewhere", other, new Tag("v1")))
                    .isEmpty();
            assertThat(journal.content().blobLocations("target", digest("x"))).containsExactly(other, app);
            assertThat(journal.content().blobLocations("target", List.of(digest("x"), digest("unknown"))))
                    .isEqualTo(Map.of(digest("x"), List.of(other, app)));
            assertThat(journal.content().upload("target", app, digest("x")))
                    .contains(new UploadSession("/uploads/1", 77, clock.instant()));
            assertThat(journal.runs().find(run).orElseThrow().outcome()).isEqualTo("complete");
            assertThat(journal.runs().report(run)).contains("{}");
            assertThat(journal.runs().lastSuccess("rule")).contains(clock.instant());
            journal.content().forgetBlob("target", other, digest("x"));
            journal.tags().forget("target", other, new Tag("v1"));
            journal.content().forgetUpload("target", app, digest("x"));
            assertThat(journal.content().blobLocations("target", digest("x"))).containsExactly(app);
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).isEmpty();
            assertThat(journal.content().upload("target", app, digest("x"))).isEmpty();
        }
    }

    @Test
    void placesOfBlobsThatWereNotConfirmedForLongestAreForgottenOverTheBound() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.content().blobsAt("target", app, List.of(digest("old"), digest("confirmed")));
            journal.content().blobsAt("target", other, List.of(digest("old")));
        }
        // As if so many had been noted since.
        noteMany(5_000, CopyJournal.BLOBS + 3);
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.content().blobsAt("target", app, List.of(digest("confirmed")));
            assertThat(journal.content().blobLocations("target", digest("old"))).containsExactly(other, app);

            journal.forgetRuns(CopyJournal.HISTORY);

            assertThat(journal.content().blobLocations("target", digest("old"))).isEmpty();
            assertThat(journal.content().blobLocations("target", digest("confirmed")))
                    .containsExactly(app);
            assertThat(journal.content().blobLocations("target", digest("last")))
                    .containsExactly(other);
        }
        assertThat(number("SELECT COUNT(*) FROM blob"))
                .as("none that was noted before")
                .isEqualTo(2);
    }

    @Test
    void placeOfABlobThatWasConfirmedLatelyIsNotWrittenAgain() throws IOException, SQLException {
        for (int day = 0; day < 3; day++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                journal.content().blobsAt("target", app, List.of(digest("x")));
                journal.content().blobsAt("target", other, List.of(digest("x")));
            }
        }
        assertThat(number("SELECT MAX(rowid) FROM blob")).isEqualTo(2);
    }

    private void noteMany(int old, int last) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO blob(target, digest, repository) WITH RECURSIVE n(i) AS"
                    + " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + old + ") SELECT 'gone', i, 'app' FROM n");
            statement.execute("INSERT INTO blob(rowid, target, digest, repository) VALUES (" + (old + last)
                    + ", 'target', '" + digest("last") + "', 'other')");
        }
    }

    private long number(String query) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }

    @Test
    void runThatAKilledProcessLeftBehindIsInterrupted() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().start("rule", "schedule");
            try (CopyJournal reader = CopyJournal.openForReading(folder, clock)) {
                assertThat(reader.runs().last(5))
                        .singleElement()
                        .satisfies(run -> assertThat(run.outcome()).isEqualTo("running"));
            }
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().last(5)).singleElement().satisfies(run -> {
                assertThat(run.outcome()).isEqualTo("interrupted");
                assertThat(run.ended()).isEmpty();
            });
            assertThat(journal.runs().lastSuccess("rule")).isEmpty();
        }
    }

    @Test
    void oldRunsAreForgottenAndWhatTheyBroughtIsNot() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long old = journal.runs().start("rule", "schedule");
            journal.runs().finish(old, "complete", "{}");
            journal.tags().complete(completed("v1"));
            clock.pass(Duration.ofDays(40));
            journal.runs().start("rule", "schedule");

            assertThat(journal.forgetRuns(Duration.ofDays(30))).isEqualTo(1);
            assertThat(journal.runs().last(9)).hasSize(1);
            assertThat(journal.runs().report(old)).isEmpty();
            assertThat(journal.tags().completedIn("target", other)).hasSize(1);
        }
    }

    @Test
    void whereACopyHasBegunIsKnownToAnotherProcessAtOnce() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.content().begin("target", app);
            journal.content().begin("target", app);

            try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
                assertThat(beside.content().hasBegun("target", app)).isTrue();
                assertThat(beside.content().hasBegun("target", other)).isFalse();
                assertThat(beside.content().hasBegun("elsewhere", app)).isFalse();
            }
        }
    }

    private CompletedTag with(String rule, String scope, String... nodes) {
        return new CompletedTag(
                rule,
                "target",
                "registry.test",
                app,
                other,
                new Tag("v1"),
                digest(nodes[0]),
                digest(nodes[0]),
                scope,
                Stream.of(nodes)
                        .map(node -> new CompletedTag.Node(digest(node), "-"))
                        .toList(),
                List.of(),
                clock.instant());
    }

    private static BroughtTag brought(CompletedTag tag) {
        return new BroughtTag(
                tag.rule(),
                tag.target(),
                tag.registry(),
                tag.source(),
                tag.repository(),
                tag.tag(),
                tag.targetDigest());
    }

    private void bring(CopyJournal journal, CompletedTag tag) throws IOException {
        journal.tags().bring(brought(tag));
        journal.tags().completeAndLeave(tag);
    }

    private static List<Digest> left(CopyJournal journal) throws IOException {
        return journal.tags().leftovers("rule", "target").stream()
                .map(Leftover::digest)
                .toList();
    }

    @Test
    void whatATagNoLongerHasIsLeftOverOfTheSameRuleAndScopeOnly() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root", "child", "signature"));
            bring(journal, with("rule", "all", "root", "child"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            assertThat(journal.tags().isLeftover("rule", "target", other, digest("signature")))
                    .isTrue();
            assertThat(journal.tags().isLeftover("another", "target", other, digest("signature")))
                    .isFalse();
            bring(journal, with("rule", "some", "root"));
            bring(journal, with("another", "some", "else"));
            bring(journal, with("rule", "some", "root"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            journal.tags().complete(with("rule", "some", "new"));
            assertThat(left(journal)).containsExactly(digest("signature"));
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Leftover signature = journal.tags().leftovers("rule", "target").getFirst();
            assertThat(journal.tags().leftovers("rule", "target", other))
                    .isEqualTo(journal.tags().leftovers("rule", "target"))
                    .isNotEmpty();
            assertThat(journal.tags().leftovers("rule", "target", app)).isEmpty();
            assertThat(signature.since()).isEqualTo(clock.instant());
            assertThat(signature.source()).isEqualTo(app);
            clock.pass(Duration.ofDays(1));
            bring(journal, with("rule", "all", "new", "signature"));
            bring(journal, with("rule", "all", "new"));
            assertThat(journal.tags().leftovers("rule", "target"))
                    .as("its time begins anew")
                    .extracting(Leftover::since)
                    .containsExactly(clock.instant());
            journal.tags().forgetLeftover(signature);
            assertThat(left(journal)).isEmpty();
            journal.tags().leave(with("rule", "all", "new", "child"));
            assertThat(left(journal)).containsExactlyInAnyOrder(digest("new"), digest("child"));
            assertThat(journal.tags().completed("target", other, new Tag("v1")))
                    .as("what another rule knows of something else")
                    .extracting(CompletedTag::rule)
                    .containsExactly("another");
            journal.tags().complete(with("rule", "all", "else", "child"));
            assertThat(left(journal)).as("wanted again").containsExactly(digest("new"));
        }
    }

    @Test
    void whatARuleFoundAndDidNotBringIsNotLeftOver() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().completeAndLeave(with("rule", "all", "root", "signature"));
            bring(journal, with("another", "all", "root", "signature"));
            bring(journal, with("rule", "all", "new"));
            assertThat(left(journal)).isEmpty();
        }
    }

    @Test
    void eachRuleKnowsATagByItselfAndWhatItBroughtSurvivesAKill() throws IOException {
        CompletedTag narrow = with("narrow", "some", "root");
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root", "child"));
            journal.tags().complete(narrow);
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(2);
            assertThat(journal.tags().broughtBy("rule", "target"))
                    .extracting(CompletedTag::digests)
                    .containsExactly(Set.of(digest("root"), digest("child")));
            assertThat(journal.tags().broughtBy("narrow", "target")).isEmpty();
            // It was about to write the tag, and its process ended.
            journal.tags().bring(brought(with("narrow", "some", "new")));
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().broughtIn("target", other, new Tag("v1")))
                    .extracting(BroughtTag::rule)
                    .containsExactlyInAnyOrder("rule", "narrow");
            journal.tags().complete(with("narrow", "some", "new"));
            assertThat(journal.tags().broughtBy("narrow", "target")).hasSize(1);
            journal.tags().complete(with("rule", "all", "new"));
            assertThat(journal.tags().broughtBy("rule", "target"))
                    .as("it is at what another brought")
                    .isEmpty();
            assertThat(journal.tags().broughtIn("target", other)).hasSize(1);
            journal.tags().forget("target", other, new Tag("v1"));
            assertThat(journal.tags().broughtIn("target", other)).isEmpty();
            assertThat(journal.tags().completedIn("target", other)).isEmpty();
        }
    }

    @Test
    void ofCopiesAndImportsByHandTheLastIsEnough() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root"));
            for (int bundle = 0; bundle < 3; bundle++) {
                bring(journal, with("import of " + bundle + " to target", "all", "root"));
            }
            assertThat(journal.tags().completedIn("target", other))
                    .extracting(CompletedTag::rule)
                    .containsExactlyInAnyOrder("rule", "import of 2 to target");
            assertThat(journal.tags().broughtIn("target", other))
                    .extracting(BroughtTag::rule)
                    .containsExactlyInAnyOrder("rule", "import of 2 to target");
        }
    }

    @Test
    void whatARuleNoLongerWantsIsStillUnderATagThatNamesTheSame() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(with("rule", "all", "root", "amd", "arm"));
            journal.tags().complete(with("rule", "some", "root", "amd"));
            journal.tags().complete(with("rule", "some", "root", "amd"));
            CompletedTag known =
                    journal.tags().completed("target", other, new Tag("v1")).getFirst();
            assertThat(known.kept()).containsExactly(digest("arm"));
            assertThat(known.digests()).containsExactlyInAnyOrder(digest("root"), digest("amd"), digest("arm"));
            journal.tags().complete(with("rule", "all", "root", "amd", "arm"));
            assertThat(journal.tags()
                            .completed("target", other, new Tag("v1"))
                            .getFirst()
                            .kept())
                    .isEmpty();
            journal.tags().complete(with("rule", "some", "root", "amd"));
            journal.tags().complete(with("rule", "some", "new", "amd"));
            assertThat(journal.tags()
                            .completed("target", other, new Tag("v1"))
                            .getFirst()
                            .kept())
                    .as("the tag has moved")
                    .isEmpty();
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void whoeverWaitsForWritesIsToldThatOneIsLostSinceItBegan() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            execute("CREATE TRIGGER refuse BEFORE INSERT ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            journal.tags().complete(completed("v1"));
            assertThatThrownBy(() -> journal.flush(0))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("refused");
            journal.flush(journal.lostChanges());
            long run = journal.runs().start("rule", "test");
            execute("DROP TRIGGER refuse");
            journal.tags().complete(completed("v1"));
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(1);
        }
    }

    @Test
    void runIsToldOfALossThatAnotherWasToldOfBefore() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long another = journal.runs().start("another", "test");
            long run = journal.runs().start("rule", "test");
            long before = journal.lostChanges();
            execute("CREATE TRIGGER refuse BEFORE INSERT ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            journal.tags().complete(completed("v1"));
            assertThatThrownBy(() -> journal.runs().finish(another, "complete", "{}"))
                    .hasMessageContaining("refused");
            assertThatThrownBy(() -> journal.flush(before)).hasMessageContaining("refused");
            assertThatThrownBy(() -> journal.runs().finish(run, "complete", "{}"))
                    .hasMessageContaining("refused");
            journal.runs().breakOff(run);
            long next = journal.runs().start("rule", "test");
            journal.runs().finish(next, "complete", "{}");
            assertThat(journal.runs().find(next).orElseThrow().outcome()).isEqualTo("complete");
        }
    }

    @Test
    void whoForgetsWhatIsMissingIsToldThatThatFailed() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(completed("v1"));
            journal.tags().missingSince(completed("v1"));
            execute("CREATE TRIGGER refuse BEFORE UPDATE ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            assertThatThrownBy(() -> journal.tags().forgetMissing("rule", "target"))
                    .hasMessageContaining("refused");
        }
    }

    @Test
    void missingSinceIsTheFirstTimeUntilTheTagIsThereAgain() throws IOException {
        CompletedTag tag = completed("v1");
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(tag);
            assertThat(journal.tags().missing(tag)).isEmpty();
            assertThat(journal.tags().missing("rule", "target")).isEmpty();
            var first = journal.tags().missingSince(tag);
            assertThat(journal.tags().missing("rule", "target"))
                    .isEqualTo(Map.of(tag.repository(), Map.of(tag.tag(), first)));
            assertThat(journal.tags().missing("another", "target")).isEmpty();
            clock.pass(Duration.ofDays(3));
            assertThat(journal.tags().missingSince(tag)).isEqualTo(first);
            journal.tags().notMissing(tag);
            assertThat(journal.tags().missing(tag)).isEmpty();
            assertThat(journal.tags().missingSince(tag)).isEqualTo(clock.instant());
            journal.tags().complete(tag);
            assertThat(journal.tags().missing(tag)).as("complete again").isEmpty();
            journal.tags().missingSince(tag);
            journal.tags().forgetMissing("another", "target");
            assertThat(journal.tags().missing(tag)).isPresent();
            journal.tags().forgetMissing("rule", "target");
            assertThat(journal.tags().missing(tag)).isEmpty();
        }
    }

    @Test
    void journalOfVersionSevenKeepsWhatItKnowsUnderTheNamesOfPlaces() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String change : BACK_TO_VERSION_7) {
                statement.execute(change);
            }
            statement.execute("INSERT INTO completed VALUES ('host:5000#eu', 'other', 'v1', 'rule', 'app', '"
                    + digest("s") + "', '" + digest("t") + "', 'scope', '" + digest("a") + " -', 0, 'registry.test')");
            statement.execute("INSERT INTO blob VALUES ('host:5000#eu', '" + digest("x") + "', 'other')");
            statement.execute("INSERT INTO missing VALUES ('rule', 'app', 'v1', 1)");
            statement.execute("PRAGMA user_version = 7");
        }
        for (int opened = 0; opened < 2; opened++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                CompletedTag old = journal.tags()
                        .completed("host:5000", other, new Tag("v1"))
                        .getFirst();
                assertThat(old.kept()).isEmpty();
                assertThat(journal.tags().missing(old)).isEmpty();
                assertThat(journal.content().blobLocations("host:5000", digest("x")))
                        .containsExactly(other);
                assertThat(journal.runs().last(5)).hasSize(1);
            }
        }
    }

    @Test
    void ofVersionSevenARuleBroughtOnlyWhatAReportSaysThatItWrote() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String change : BACK_TO_VERSION_7) {
                statement.execute(change);
            }
            for (String tag : List.of("new", "moved", "found", "right", "older", "others")) {
                statement.execute("INSERT INTO completed VALUES ('host:5000#eu', 'other', '" + tag
                        + "', 'rule', 'app', '" + digest("s") + "', '" + digest("t") + "', 'scope', '" + digest("a")
                        + " -', 0, 'registry.test')");
            }
            run(statement, "rule", copied("new", "s", "the target does not have the tag"));
            run(statement, "rule", copied("moved", "s", "the tag moves from " + digest("x") + "; and a note"));
            run(statement, "rule", copied("found", "s", "").replace("copied", "up-to-date"));
            run(statement, "rule", copied("right", "s", "the tag is right, and 1 nodes are not complete"));
            run(statement, "rule", copied("older", "z", "the target does not have the tag"));
            run(statement, "another", copied("others", "s", "the target does not have the tag"));
            statement.execute(
                    "INSERT INTO run(rule, cause, started, outcome, report) VALUES ('rule', 'test', 1, 'complete', 'no JSON')");
            statement.execute(
                    "INSERT INTO run(rule, cause, started, outcome) VALUES ('rule', 'test', 1, 'interrupted')");
            statement.execute("PRAGMA user_version = 7");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().broughtIn("host:5000", other))
                    .extracting(BroughtTag::tag, BroughtTag::digest)
                    .containsExactly(tuple(new Tag("moved"), digest("t")), tuple(new Tag("new"), digest("t")));
            assertThat(journal.tags().broughtBy("rule", "host:5000")).hasSize(2);
            assertThat(journal.tags().completedIn("host:5000", other)).hasSize(6);
        }
    }

    private static void run(Statement statement, String rule, String item) throws SQLException {
        statement.execute("INSERT INTO run(rule, cause, started, outcome, report) VALUES ('" + rule
                + "', 'test', 1, 'complete', '{\"run\":1,\"items\":[" + item + "]}')");
    }

    private String copied(String tag, String digest, String reason) {
        return "{\"target\":\"host:5000#eu\",\"source\":\"app\",\"repository\":\"other\",\"tag\":\"" + tag
                + "\",\"digest\":\"" + digest(digest) + "\",\"state\":\"copied\",\"reason\":\"" + reason + "\"}";
    }

    @Test
    void journalOfTheFirstVersionIsReadAndItsTagsAreOfNoKnownRegistry() throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String table : FIRST_VERSION) {
                statement.execute(table);
            }
            statement.execute("INSERT INTO completed VALUES ('target', 'other', 'v1', 'rule', 'app', '" + digest("s")
                    + "', '" + digest("t") + "', 'scope', '" + digest("a") + " -', 0)");
            statement.execute("INSERT INTO run VALUES (1, 'rule', 'schedule', 1, 2, 'complete', '{}')");
            statement.execute("PRAGMA user_version = 1");
        }
        for (int opened = 0; opened < 2; opened++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                CompletedTag old =
                        journal.tags().completed("target", other, new Tag("v1")).getFirst();
                assertThat(old.registry()).isEmpty();
                assertThat(old.isFrom("registry.test")).isFalse();
                assertThat(old.targetDigest()).isEqualTo(digest("t"));
                assertThat(journal.content().hasBegun("target", other)).isTrue();
                assertThat(journal.content().hasBegun("target", app)).isFalse();
                assertThat(journal.tags().leftovers("rule", "target")).isEmpty();
                assertThat(journal.runs().find(1).orElseThrow().roundOf()).isEmpty();
                journal.tags().complete(completed("v2"));
                assertThat(journal.tags().completed("target", other, new Tag("v2")))
                        .contains(completed("v2"));
            }
        }
    }

    @Test
    void journalOfAnOlderVersionIsLeftAsItIsByWhoOnlyReadsItsRuns() throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String table : FIRST_VERSION) {
                statement.execute(table);
            }
            statement.execute("INSERT INTO run VALUES (1, 'rule', 'schedule', 1, 2, 'complete', '{}')");
            statement.execute("PRAGMA user_version = 1");
            try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
                assertThat(beside.runs().last(5)).singleElement().satisfies(run -> {
                    assertThat(run.outcome()).isEqualTo("complete");
                    assertThat(run.roundOf()).isEmpty();
                });
                assertThat(beside.runs().find(1)).isPresent();
            }
            try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
                assertThat(row.next()).isTrue();
                assertThat(row.getInt(1)).isEqualTo(1);
            }
            statement.execute("INSERT INTO run VALUES (2, 'rule', 'schedule', 3, 4, 'complete', '{}')");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(JournalledRunsTest.round(journal, 2)).isEqualTo(3);
            assertThat(journal.runs().find(3).orElseThrow().roundOf()).hasValue(2);
        }
    }

    private static final List<String> FIRST_VERSION = List.of(
            "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, cause TEXT NOT NULL, started INTEGER"
                    + " NOT NULL, ended INTEGER, outcome TEXT NOT NULL, report TEXT)",
            "CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,"
                    + " source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL,"
                    + " nodes TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, tag)) WITHOUT ROWID",
            "CREATE TABLE blob(target TEXT NOT NULL, digest TEXT NOT NULL, repository TEXT NOT NULL,"
                    + " PRIMARY KEY(target, digest, repository))",
            "CREATE TABLE upload(target TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, location TEXT NOT NULL,"
                    + " reached INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, digest)) WITHOUT ROWID");

    @Test
    void whatRoundsOfTheFifthVersionLeftOutGoesByTheirOutcomes() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE owed");
            statement.execute("ALTER TABLE run RENAME COLUMN summary TO report");
            statement.execute("ALTER TABLE run DROP COLUMN left_out");
            statement.execute("INSERT INTO run VALUES (1, 'busy', 'schedule', 1, 2, 'complete', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (2, 'busy', 'schedule', 1, 2, 'partly', '{}', 1)");
            statement.execute("INSERT INTO run VALUES (3, 'whole', 'schedule', 1, 2, 'partly', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (4, 'whole', 'schedule', 1, 2, 'complete', '{}', 3)");
            statement.execute("PRAGMA user_version = 5");
        }
        try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
            assertThat(beside.runs().find(2).orElseThrow().roundOf()).hasValue(1);
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().lastRuns("busy").unfinished()).isEqualTo(1);
            assertThat(journal.runs().lastRuns("whole").unfinished()).isZero();
            assertThat(journal.runs().owed("busy")).isEmpty();
        }
    }

    @Test
    void journalOfANewerVersionIsRefused() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA user_version = 99");
        }
        assertThatThrownBy(() -> CopyJournal.open(folder, clock))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("newer version")
                .hasMessageContaining("run that version, or restore the data folder");
    }

    @Test
    void damagedRowFailsWhoAsksForItAndNobodyElse() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(completed("v1"));
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE completed SET target_digest = 'no digest'");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThatThrownBy(() -> journal.tags().completed("target", other, new Tag("v1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("journal");
            journal.tags().complete(completed("v1"));
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(1);
        }
    }

    @Test
    void closedJournalSaysSo() throws IOException {
        CopyJournal journal = CopyJournal.open(folder, clock);
        journal.close();
        assertThatThrownBy(() -> journal.runs().start("rule", "x"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("closed");
    }
}
