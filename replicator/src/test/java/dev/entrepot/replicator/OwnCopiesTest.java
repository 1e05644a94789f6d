package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a rule brought itself is no conflict for it, and the backup tags that it wrote hold up no prune. */
class OwnCopiesTest {
    private static final Tag LATEST = new Tag("latest");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    @ParameterizedTest
    @EnumSource(OnConflict.class)
    void tagThatTheRuleBroughtMovesWithTheSourceWhateverTheRuleDoesOnConflict(OnConflict onConflict)
            throws IOException {
        rules.onConflict = onConflict;
        for (String seed : List.of("first", "second", "third")) {
            shapes.tag("latest", shapes.index(List.of(shapes.image(seed))));

            ReplicationReport report = engine.run(rules);

            assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
            Completeness.assertComplete(app, "latest", target, "mirror/app");
        }
        assertThat(mirror.tags.keySet()).containsExactly(LATEST);
    }

    @Test
    void tagThatSomebodyMovedSinceIsAConflict() throws IOException {
        shapes.tag("latest", shapes.image("first"));
        engine.run(rules);
        Digest theirs = new Shapes(mirror).image("theirs").digest();
        mirror.tags.put(LATEST, theirs);
        shapes.tag("latest", shapes.image("second"));

        rules.onConflict = OnConflict.FAIL;
        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.FAILED);
        rules.onConflict = OnConflict.KEEP;
        engine.run(rules);
        assertThat(mirror.tags).containsEntry(LATEST, theirs);
        rules.onConflict = OnConflict.BACKUP;
        engine.run(rules);
        assertThat(mirror.tags).containsEntry(new Tag("latest-was-" + theirs.shortForm()), theirs);
    }

    @Test
    void tagThatAnotherRuleBroughtIsAConflict() throws IOException {
        shapes.tag("latest", shapes.image("first"));
        rules.name = "other";
        engine.run(rules);
        shapes.tag("latest", shapes.image("second"));
        rules.name = "rule";
        rules.onConflict = OnConflict.FAIL;

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.FAILED);
    }

    // Theirs and ours share an image; theirs alone has another, and ours alone has a third.
    private record Backed(Descriptor shared, Descriptor theirs, Descriptor ours, Tag backup) {}

    private Backed backedUp() throws IOException {
        rules.onConflict = OnConflict.BACKUP;
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
        Shapes there = new Shapes(mirror);
        Descriptor shared = shapes.image("shared");
        there.image("shared");
        Descriptor theirs = there.index(List.of(shared, there.image("only theirs")));
        there.tag("v1", theirs);
        Descriptor ours = shapes.index(List.of(shared, shapes.image("only ours")));
        shapes.tag("v1", ours);
        shapes.tag("v2", shapes.image("stays"));
        engine.run(rules);
        Tag backup = new Tag("v1-was-" + theirs.digest().shortForm());
        assertThat(mirror.tags).containsEntry(backup, theirs.digest());
        app.tags.remove(new Tag("v1"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        return new Backed(shared, theirs, ours, backup);
    }

    @Test
    void backupTagOfTheRuleHoldsUpNoPruneAndKeepsWhatItNeeds() throws IOException {
        Backed backed = backedUp();

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.tags.keySet()).containsExactlyInAnyOrder(new Tag("v2"), backed.backup());
        assertThat(mirror.manifests)
                .containsKeys(backed.theirs().digest(), backed.shared().digest())
                .doesNotContainKey(backed.ours().digest());
    }

    @Test
    void backupTagHoldsUpNoPruneWhereOnlyManifestsAreDeleted() throws IOException {
        Backed backed = backedUp();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest mirror/app ") && !request.contains("sha256:")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.tags.keySet()).containsExactlyInAnyOrder(new Tag("v2"), backed.backup());
    }

    @Test
    void backupTagOfWhichTheTargetLacksAPartKeepsAllManifests() throws IOException {
        Backed backed = backedUp();
        mirror.manifests.remove(backed.shared().digest());

        engine.run(rules);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests).containsKey(backed.ours().digest());
    }

    @Test
    void tagThatOnlyLooksLikeABackupKeepsAllManifests() throws IOException {
        Backed backed = backedUp();
        mirror.tags.put(new Tag("v1-was-0123456789ab"), backed.theirs().digest());

        engine.run(rules);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests).containsKey(backed.ours().digest());
    }
}
