package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a data folder whose journal of replication is damaged, or was written by a newer version. */
class JournalAtStartTest {
    private static final String RULES = """
            replication:
              rules: [{name: to-eu, source: registry.test, repositories: [team/app], targets: [{layout: ./out}]}]
            """;
    private static final String REPORT = "{\"run\":1,\"text\":\"" + "x".repeat(500) + "\"}";

    @TempDir
    Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private Path data;
    private Path journal;

    @BeforeEach
    void keepReports() throws IOException {
        registry.push(MirrorFixture.APP, new Images(5).image(1000), "1");
        data = folder.resolve("data");
        journal = data.resolve(CopyJournal.FILE);
        try (CopyJournal written = CopyJournal.open(data, InstantSource.system())) {
            // Several pages, none of which a longer report goes on in: there nothing would notice other bytes.
            for (int run = 0; run < 50; run++) {
                written.runs().finish(written.runs().start("rule", "schedule"), "complete", REPORT);
            }
        }
    }

    @AfterEach
    void close() {
        registry.close();
    }

    private MirrorFixture mirror(String rest) throws Exception {
        return MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                %s""".formatted(registry.uri(), rest));
    }

    // All after what says which tables there are, or the last page alone.
    private void damage(boolean all) throws IOException {
        byte[] bytes = Files.readAllBytes(journal);
        Arrays.fill(bytes, all ? 4096 : bytes.length - 4096, bytes.length, (byte) 0);
        Files.write(journal, bytes);
    }

    @Test
    void withoutRulesADamagedJournalIsPutAsideAndTheCacheServes() throws Exception {
        damage(false);
        byte[] damaged = Files.readAllBytes(journal);

        try (MirrorFixture mirror = mirror("")) {
            assertThat(mirror.get("/v2/" + MirrorFixture.APP + "/manifests/1").statusCode())
                    .isEqualTo(200);
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
            assertThat(mirror.admin("/readyz").body())
                    .contains("the replication journal was damaged and was put aside as " + journal + ".corrupt-1");
        }
        assertThat(data.resolve(CopyJournal.FILE + ".corrupt-1")).hasBinaryContent(damaged);
        try (MirrorFixture again = mirror("")) {
            assertThat(again.admin("/readyz").body()).isEqualTo("ready\n");
        }
    }

    @Test
    void withRulesADamagedJournalIsRefusedWithItsNameAndWhatToDo() throws Exception {
        damage(true);

        assertThatThrownBy(() -> mirror(RULES))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(journal.toString())
                .hasMessageContaining("move it away together with replication.db-wal");
        assertThat(data.resolve(CopyJournal.FILE + ".corrupt-1")).doesNotExist();
    }

    @Test
    void journalOfANewerVersionIsRefusedBeforeAnythingElseIsChanged() throws Exception {
        try (MirrorFixture mirror = mirror("")) {
            assertThat(mirror.get("/v2/" + MirrorFixture.APP + "/manifests/1").statusCode())
                    .isEqualTo(200);
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + journal);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA user_version = 99");
        }
        // Would be made anew, were the index opened.
        Files.delete(data.resolve("index.db"));
        byte[] marker = Files.readAllBytes(data.resolve("store.json"));

        assertThatThrownBy(() -> mirror("")).isInstanceOf(IOException.class).hasMessageContaining("newer version");
        for (String command : new String[] {"stats", "rebuild", "scrub"}) {
            assertThat(new CommandRunner(folder).run("cache", command))
                    .satisfies(result -> assertThat(result.code()).isNotZero())
                    .satisfies(result -> assertThat(result.err()).contains("newer version", journal.toString()));
        }
        assertThat(data.resolve("index.db")).doesNotExist();
        assertThat(data.resolve("store.json")).hasBinaryContent(marker);
    }
}
