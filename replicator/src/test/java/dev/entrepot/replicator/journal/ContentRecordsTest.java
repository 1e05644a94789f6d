package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the journal keeps of blobs, and of where a copy has begun. */
class ContentRecordsTest extends JournalFixture {
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
}
