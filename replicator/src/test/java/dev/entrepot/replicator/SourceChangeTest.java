package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rule that copies from another registry than it did, where the repositories have the same names. */
class SourceChangeTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry before = new MemoryRegistry("before.test", Abilities.ALL);
    private final MemoryRegistry after = new MemoryRegistry("after.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(before).to(target);
    private Engine engine;

    @BeforeEach
    void copyFromTheFirst() throws IOException {
        engine = new Engine(folder);
        Shapes shapes = new Shapes(before.repository("app"));
        shapes.tag("v1", shapes.image("one before"));
        shapes.tag("v2", shapes.image("two before"));
        engine.run(rules);
        Shapes other = new Shapes(after.repository("app"));
        other.tag("v1", other.image("one after"));
        rules.source = after.asSource();
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    @Test
    void tagThatIsImmutableIsThatOfTheNewSource() throws IOException {
        rules.immutable = List.of(NamePattern.parse("v*"));

        assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        Completeness.assertComplete(after.repository("app"), "v1", target, "mirror/app");
        after.forgetRequests();
        assertThat(engine.run(rules).items().getFirst().state()).isEqualTo(ItemReport.State.UP_TO_DATE);
        assertThat(after.requests("HEAD")).isEmpty();
    }

    @Test
    void tagThatOnlyTheOldSourceHadIsNotPruned() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().prune())
                .isEmpty();
        engine.run(rules);
        engine.run(rules);

        assertThat(mirror.tags).containsKey(new Tag("v2"));
        assertThat(target.requests("DELETE")).isEmpty();
    }
}
