package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of reading back a tag that the rule calls immutable, after somebody has moved it at the source. */
class ImmutableReadBackTest {
    private static final Digest SHARED = Digest.sha256("shared base".getBytes(StandardCharsets.UTF_8));
    private static final Tag TAG = new Tag("v1.1");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;
    private Descriptor copied;
    private Descriptor child;
    private Descriptor moved;

    @BeforeEach
    void copyATagAndMoveItAtTheSource() throws IOException {
        engine = new Engine(folder);
        rules.immutable = List.of(NamePattern.parse("v1.*"));
        child = shapes.image("amd64");
        copied = shapes.index(List.of(child, shapes.image("arm64")));
        shapes.tag(TAG.value(), copied);
        engine.run(rules);
        moved = shapes.image("another");
        shapes.tag(TAG.value(), moved);
        source.forgetRequests();
        target.forgetRequests();
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private ReplicationReport deep() throws IOException {
        try {
            return engine.runner.run(rules.rule().verifying(Verify.DEEP), "test", ProgressListener.NONE);
        } catch (RuleBusyException e) {
            throw new AssertionError(e);
        }
    }

    private void zero() {
        mirror.blobs.put(SHARED, new byte[mirror.blobs.get(SHARED).length]);
    }

    private void assertWarned(List<String> warnings) {
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains(
                        "source.test/app:v1.1",
                        copied.digest().toString(),
                        moved.digest().toString());
    }

    @Test
    void tagStaysAtWhatTheJournalHasWithAWarning() throws IOException {
        ReplicationReport report = deep();

        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
        assertThat(target.requests("PUT")).isEmpty();
        assertThat(target.requests("GET blob")).isNotEmpty();
        assertThat(report.items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(State.UP_TO_DATE));
        assertWarned(report.warnings());
    }

    @Test
    void planSaysTheSame() throws IOException {
        zero();

        ReplicationPlan plan = engine.runner.plan(rules.rule().verifying(Verify.DEEP));

        assertThat(plan.targets().getFirst().images()).singleElement().satisfies(image -> {
            assertThat(image.digest()).contains(copied.digest());
            assertThat(image.tags()).isEmpty();
            assertThat(image.blobBytes()).isEqualTo("shared base".length());
        });
        assertWarned(plan.warnings());
    }

    @Test
    void damageIsRepairedFromWhatTheSourceHasByDigest() throws IOException {
        zero();

        assertThat(deep().tally().blobsPushed()).isEqualTo(1);

        assertThat(mirror.blobs.get(SHARED)).asString().isEqualTo("shared base");
        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
    }

    @Test
    void tagThatWasDeletedAtTheTargetComesBackAsItWas() throws IOException {
        mirror.tags.remove(TAG);

        deep();

        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
    }

    @Test
    void tagThatIsGoneAtTheSourceIsReadBackAllTheSame() throws IOException {
        app.tags.remove(TAG);
        rules.tags = TagSelectionConfig.including(List.of(NamePattern.parse(TAG.value())));
        zero();

        ReplicationReport report = deep();

        assertThat(report.tally().blobsPushed()).isEqualTo(1);
        assertThat(report.warnings()).anyMatch(warning -> warning.contains("names nothing at the source by now"));
    }

    @Test
    void whatTheSourceDoesNotHaveAnyMoreIsFoundWholeAtTheTarget() throws IOException {
        app.manifests.remove(copied.digest());

        ReplicationReport report = deep();

        assertThat(report.items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(State.UP_TO_DATE));
        assertThat(target.requests("GET blob")).isNotEmpty();
        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
        assertWarned(report.warnings());
    }

    @Test
    void damageThatNothingIsLeftToRepairFromFailsTheTag() throws IOException {
        app.manifests.remove(child.digest());
        zero();

        ReplicationReport report = deep();

        assertThat(report.items()).singleElement().satisfies(item -> {
            assertThat(item.state()).isEqualTo(State.FAILED);
            assertThat(item.failure().orElseThrow().cause())
                    .contains("the source does not have " + copied.digest() + " any more")
                    .contains(SHARED.toString());
        });
        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
    }

    @Test
    void manifestThatNothingIsLeftToRepairFromFailsTheTag() throws IOException {
        app.manifests.remove(copied.digest());
        mirror.manifests.remove(child.digest());

        assertThat(deep().items()).singleElement().satisfies(item -> {
            assertThat(item.state()).isEqualTo(State.FAILED);
            assertThat(item.failure().orElseThrow().node())
                    .isEqualTo(child.digest().toString());
        });
    }

    @Test
    void tagThatSomebodyMovedAtTheTargetIsNotTakenForWhole() throws IOException {
        app.manifests.remove(copied.digest());
        mirror.tags.put(TAG, child.digest());

        assertThat(deep().items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(State.FAILED));
        rules.onConflict = OnConflict.KEEP;
        assertThat(deep().items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(State.SKIPPED));
    }
}
