package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What prune calls gone of a layout is gone from the disk, and what is still there is known to the journal. */
final class LayoutPruneTest {
    private static final WatchedLayout.Watch NOBODY = new WatchedLayout.Watch() {};

    @TempDir
    private Path folder;

    private LayoutWorld world;
    private Engine engine;
    private TargetRegistry target;

    @BeforeEach
    void open() throws IOException {
        world = new LayoutWorld(folder);
        engine = new Engine(folder.resolve("pruning"));
        target = world.server.target("images", folder.resolve("images"));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
        world.close();
    }

    private Path file(Descriptor manifest) {
        return folder.resolve("images/blobs/sha256").resolve(manifest.digest().encoded());
    }

    private boolean isListed(Descriptor manifest) throws IOException {
        return Files.readString(world.indexFile()).contains(manifest.digest().encoded());
    }

    private List<Leftover> leftovers() throws IOException {
        return engine.journal.tags().leftovers("rule", target.place());
    }

    private ReplicationReport prune(WatchedLayout.Watch watch, Outcome outcome, String... repositories)
            throws IOException {
        return prune("rule", watch, outcome, repositories);
    }

    private ReplicationReport prune(String rule, WatchedLayout.Watch watch, Outcome outcome, String... repositories)
            throws IOException {
        Rules rules = new Rules(world.source).to(new WatchedLayout(target, watch));
        rules.name = rule;
        rules.repositories =
                List.of(repositories).stream().map(NamePattern::parse).toList();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(outcome);
        return report;
    }

    private ReplicationReport prune() throws IOException {
        return prune(NOBODY, Outcome.COMPLETE, "app");
    }

    private static long pruned(ReplicationReport report) {
        return report.targets().getFirst().pruned();
    }

    // The list of the source is never empty, which would prove nothing.
    private static Descriptor signatures(Shapes shapes, Descriptor image) {
        shapes.referrer(image, "x/signature", "stays");
        return shapes.referrer(image, "x/signature", "goes");
    }

    @Test
    void withdrawnReferrerOfAnImageThatStaysIsDeleted() throws IOException {
        Descriptor image = world.signed("v1");
        Descriptor withdrawn = signatures(world.shapes, image);
        prune();
        world.source.repository("app").manifests.remove(withdrawn.digest());
        prune();

        ReplicationReport report = prune();

        assertThat(pruned(report)).isEqualTo(1);
        assertThat(isListed(withdrawn)).isFalse();
        assertThat(file(withdrawn)).doesNotExist();
        assertThat(target.reader(LayoutWorld.APP).referrers(image.digest()).descriptors())
                .hasSize(2);
        assertThat(leftovers()).isEmpty();
    }

    // The same image and its signatures in another repository.
    private MemoryRepository other(Descriptor image) throws IOException {
        MemoryRepository other = world.source.repository("other");
        Shapes shapes = new Shapes(other);
        shapes.image("content of v1");
        shapes.tag("v1", image);
        signatures(shapes, image);
        return other;
    }

    @Test
    void referrerThatAnotherRepositoryHasStaysAndTheReportAndTheJournalSaySo() throws IOException {
        Descriptor image = world.shapes.image("content of v1");
        world.shapes.tag("v1", image);
        Descriptor withdrawn = signatures(world.shapes, image);
        other(image);
        prune(NOBODY, Outcome.COMPLETE, "**");
        world.source.repository("app").manifests.remove(withdrawn.digest());
        prune(NOBODY, Outcome.COMPLETE, "**");

        ReplicationReport report = prune(NOBODY, Outcome.COMPLETE, "**");

        assertThat(pruned(report)).isZero();
        assertThat(ReportWriter.toText(report))
                .contains("1 manifest left over stay: the target keeps it, since another of its repositories");
        assertThat(isListed(withdrawn)).isTrue();
        assertThat(file(withdrawn)).exists();
        assertThat(leftovers()).hasSize(1);
    }

    @Test
    void referrerGoesWithTheLastRepositoryThatItIsWithdrawnFrom() throws IOException {
        Descriptor image = world.shapes.image("content of v1");
        world.shapes.tag("v1", image);
        Descriptor withdrawn = signatures(world.shapes, image);
        MemoryRepository other = other(image);
        prune(NOBODY, Outcome.COMPLETE, "**");
        world.source.repository("app").manifests.remove(withdrawn.digest());
        other.manifests.remove(withdrawn.digest());
        prune(NOBODY, Outcome.COMPLETE, "**");

        assertThat(pruned(prune(NOBODY, Outcome.COMPLETE, "**"))).isEqualTo(1);

        assertThat(isListed(withdrawn)).isFalse();
        assertThat(file(withdrawn)).doesNotExist();
        prune(NOBODY, Outcome.COMPLETE, "**");
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void whatARepositoryHasAnewIsNotDeletedByARunThatWithdrawsItFromAnother() throws IOException {
        Descriptor image = world.shapes.image("content of v1");
        world.shapes.tag("v1", image);
        Descriptor withdrawn = signatures(world.shapes, image);
        MemoryRepository other = other(image);
        prune("app", NOBODY, Outcome.COMPLETE, "app");
        prune("other", NOBODY, Outcome.COMPLETE, "other");
        // Another run goes on there all the time.
        TargetRegistry busy = world.server.target("images", folder.resolve("images"));
        busy.begin();
        ManifestBytes bytes = world.source.repository("app").manifests.remove(withdrawn.digest());
        prune("app", NOBODY, Outcome.COMPLETE, "app");
        prune("app", NOBODY, Outcome.COMPLETE, "app");
        world.source.repository("app").manifests.put(withdrawn.digest(), bytes);
        prune("app", NOBODY, Outcome.COMPLETE, "app");
        other.manifests.remove(withdrawn.digest());

        prune("other", NOBODY, Outcome.COMPLETE, "other");
        prune("other", NOBODY, Outcome.COMPLETE, "other");

        assertThat(isListed(withdrawn)).isTrue();
        assertThat(file(withdrawn)).exists();
        busy.end(false);
    }

    @Test
    void whatStaysForAnotherRepositoryWhenATagGoesIsKnownUntilItIsGone() throws IOException {
        Descriptor image = world.shapes.image("content of v1");
        world.shapes.tag("v1", image);
        world.shapes.tag("stays", world.shapes.image("stays"));
        Descriptor signature = world.shapes.referrer(image, "x/signature", "of app alone");
        MemoryRepository other = world.source.repository("other");
        Shapes shapes = new Shapes(other);
        shapes.image("content of v1");
        shapes.tag("v1", image);
        shapes.tag("stays", shapes.image("stays"));
        prune(NOBODY, Outcome.COMPLETE, "**");
        world.source.repository("app").tags.remove(new Tag("v1"));

        ReplicationReport report = prune(NOBODY, Outcome.COMPLETE, "**");

        assertThat(ReportWriter.toText(report)).contains("2 others stay: the target keeps it, since");
        assertThat(leftovers()).hasSize(2);
        other.tags.remove(new Tag("v1"));
        prune(NOBODY, Outcome.COMPLETE, "**");
        prune(NOBODY, Outcome.COMPLETE, "**");
        assertThat(List.of(image, signature)).noneMatch(manifest -> Files.exists(file(manifest)));
        assertThat(isListed(signature)).isFalse();
        assertThat(leftovers()).isEmpty();
    }

    // A tag that moved, with its signature.
    private Descriptor moved() throws IOException {
        Descriptor old = world.signed("v1");
        prune();
        world.shapes.tag("v1", world.shapes.image("moved"));
        prune();
        assertThat(leftovers()).hasSize(2);
        return old;
    }

    private Descriptor signature(Descriptor image) throws IOException {
        return world.source
                .repository("app")
                .referrers(image.digest())
                .descriptors()
                .getFirst();
    }

    private void loseTheTag() {
        world.source.repository("app").tags.remove(new Tag("v1"));
        world.shapes.tag("other", world.shapes.image("not selected"));
    }

    private ReplicationReport pruneWithoutOthers() throws IOException {
        Rules rules = new Rules(world.source).to(target);
        rules.tags = TagSelectionConfig.including(List.of(NamePattern.parse("v*")));
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        return engine.run(rules);
    }

    @Test
    void whatIsLeftOverGoesThoughTheLastTagGoesInTheSameRun() throws IOException {
        Descriptor old = moved();
        Descriptor signature = signature(old);
        loseTheTag();

        ReplicationReport report = pruneWithoutOthers();

        assertThat(pruned(report)).as(ReportWriter.toText(report)).isEqualTo(3);
        assertThat(isListed(signature)).isFalse();
        assertThat(List.of(old, signature)).noneMatch(manifest -> Files.exists(file(manifest)));
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void whatAKilledRunHadTakenOutOfTheIndexAloneIsDeletedByTheNext() throws IOException {
        Descriptor old = moved();
        Descriptor last = world.shapes.image("moved");
        loseTheTag();
        world.change(index -> index.putArray("manifests"));
        assertThat(List.of(old, signature(old), last)).allMatch(manifest -> Files.exists(file(manifest)));

        ReplicationReport report = pruneWithoutOthers();

        assertThat(ReportWriter.toText(report)).contains("the target no longer had the tag; 1 manifests");
        assertThat(List.of(old, signature(old), last)).noneMatch(manifest -> Files.exists(file(manifest)));
        assertThat(leftovers()).isEmpty();
        assertThat(engine.journal.tags().completedIn(target.place(), LayoutWorld.APP))
                .isEmpty();
    }

    @Test
    void whatIsGoneForThisProcessAloneIsNotForgotten() throws IOException {
        Descriptor signature = signature(moved());
        // Another run goes on there, so that what could not be written is not read again.
        target.begin();
        WatchedLayout.Watch full = new WatchedLayout.Watch() {
            @Override
            public void settling() throws IOException {
                throw new FileSystemException("images", null, "No space left on device");
            }

            @Override
            public void ending() throws IOException {
                settling();
            }
        };
        prune(full, Outcome.PARTLY, "app");
        assertThat(target.reader(LayoutWorld.APP).resolve(signature.digest())).isEmpty();

        ReplicationReport report = prune(full, Outcome.PARTLY, "app");

        assertThat(ReportWriter.toText(report)).contains("No space left on device");
        assertThat(isListed(signature)).isTrue();
        assertThat(leftovers()).hasSize(2);
        target.end(false);
    }

    @Test
    void whatIsPrunedOfATarIsKnownUntilThatIsPacked() throws IOException {
        Path tar = folder.resolve("images.tar");
        target = world.server.target("images.tar", tar);
        world.shapes.tag("v0", world.shapes.image("of v0"));
        Descriptor withdrawn = signatures(world.shapes, world.signed("v1"));
        prune();
        world.source.repository("app").manifests.remove(withdrawn.digest());
        prune();
        world.source.repository("app").tags.remove(new Tag("v0"));

        ReplicationReport cut = prune(
                new WatchedLayout.Watch() {
                    @Override
                    public void ending() throws IOException {
                        Path copy = Files.copy(tar, folder.resolve("copy.tar"));
                        Files.move(copy, tar, StandardCopyOption.REPLACE_EXISTING);
                    }
                },
                Outcome.PARTLY,
                "app");

        assertThat(ReportWriter.toText(cut)).contains("another program has changed it");
        assertThat(world.names("images.tar")).containsExactlyInAnyOrder("v0", "v1");
        assertThat(leftovers()).hasSize(1);
        assertThat(pruned(prune())).isEqualTo(2);
        assertThat(world.names("images.tar")).containsExactly("v1");
        assertThat(target.reader(LayoutWorld.APP).resolve(withdrawn.digest())).isEmpty();
        assertThat(leftovers()).isEmpty();
        assertThat(engine.journal.tags().completedIn(target.place(), LayoutWorld.APP))
                .hasSize(1);
    }

    @Test
    void whatAnotherRunHasFoundInATarIsInItAlsoWhenThatIsPackedMeanwhile() throws IOException {
        Descriptor image = world.signed("v1");
        Descriptor index = world.shapes.index(List.of(image));
        world.put(world.server, "images.tar", "mirror/app", "v1", image);
        TargetRegistry pruning = world.server.target("images.tar", folder.resolve("images.tar"));
        TargetRegistry copying = world.server.target("images.tar", folder.resolve("images.tar"));
        pruning.begin();
        copying.begin();
        RepositoryTarget pruned = pruning.target(LayoutWorld.APP);
        assertThat(pruned.deleteManifest(new Tag("v1"))).isTrue();
        assertThat(pruned.deleteManifest(image.digest())).isTrue();
        pruned.settle();
        assertThat(copying.reader(LayoutWorld.APP).resolve(image.digest())).isPresent();

        pruning.end(true);
        assertThat(world.names("images.tar")).isEmpty();
        copying.target(LayoutWorld.APP).pushManifest(world.bytes(index), new Tag("v2"));
        copying.end(true);

        assertThat(world.names("images.tar")).containsExactly("v2");
        assertThat(world.reader("images.tar", LayoutWorld.APP).resolve(image.digest()))
                .isPresent();
        pruning.begin();
        pruning.target(LayoutWorld.APP).deleteManifest(new Tag("v2"));
        pruning.end(true);
        assertThat(world.reader("images.tar", LayoutWorld.APP).resolve(image.digest()))
                .isEmpty();
    }
}
