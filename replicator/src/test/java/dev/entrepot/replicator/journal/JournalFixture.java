package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;

/** A journal in a folder of its own, and what is noted in it. */
abstract class JournalFixture {
    @TempDir
    Path folder;

    final VirtualTime clock = new VirtualTime();
    final RepositoryName app = new RepositoryName("app");
    final RepositoryName other = new RepositoryName("other");

    static Digest digest(String seed) {
        return Digest.sha256(seed.getBytes(StandardCharsets.UTF_8));
    }

    CompletedTag completed(String tag) {
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

    long number(String query) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }

    CompletedTag with(String rule, String scope, String... nodes) {
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

    static BroughtTag brought(CompletedTag tag) {
        return new BroughtTag(
                tag.rule(),
                tag.target(),
                tag.registry(),
                tag.source(),
                tag.repository(),
                tag.tag(),
                tag.targetDigest());
    }

    void bring(CopyJournal journal, CompletedTag tag) throws IOException {
        journal.tags().bring(brought(tag));
        journal.tags().completeAndLeave(tag);
    }

    static List<Digest> left(CopyJournal journal) throws IOException {
        return journal.tags().leftovers("rule", "target").stream()
                .map(Leftover::digest)
                .toList();
    }

    void execute(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
