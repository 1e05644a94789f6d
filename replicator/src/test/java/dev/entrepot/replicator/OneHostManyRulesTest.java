package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one rule learns of a host holds for the others that go there, and for none that goes elsewhere. */
class OneHostManyRulesTest {
    private static final Duration ASKED = Duration.ofMinutes(5);

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry busy = new MemoryRegistry("busy.test", Abilities.ALL);
    private final MemoryRegistry healthy = new MemoryRegistry("healthy.test", Abilities.ALL);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder, new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofMinutes(15), 7));
        Shapes shapes = new Shapes(source.repository("app"));
        shapes.tag("v1", shapes.image("one"));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private ReplicationReport run(String name, MemoryRegistry target) throws IOException {
        Rules rules = new Rules(source).to(target);
        rules.name = name;
        return engine.run(rules);
    }

    private void refuseUploads() throws IOException {
        busy.gate((index, request) -> {
            if (request.startsWith("PUT blob")) {
                throw new OutageException(Reason.RATE_LIMITED, "too many", Optional.of(ASKED), null);
            }
        });
        assertThat(run("first", busy).outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
        busy.gate((index, request) -> {});
    }

    @Test
    void anotherRuleUploadsToAHostNotBeforeTheTimeThatItNamedToTheFirst() throws IOException {
        refuseUploads();
        int before = engine.clock.slept().size();

        assertThat(run("second", busy).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        assertThat(engine.clock.slept().subList(before, engine.clock.slept().size()))
                .contains(ASKED);
    }

    @Test
    void headsGoOnWhileUploadsAreHeldBack() throws IOException {
        refuseUploads();
        int before = engine.clock.slept().size();
        busy.forgetRequests();

        Rules rules = new Rules(source).to(busy);
        rules.name = "looks only";
        engine.runner.plan(rules.rule());

        assertThat(busy.requests()).isNotEmpty();
        assertThat(engine.clock.slept()).hasSize(before);
    }

    @Test
    void ruleThatGoesElsewhereIsNotHeldBack() throws IOException {
        refuseUploads();
        int before = engine.clock.slept().size();

        assertThat(run("elsewhere", healthy).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        assertThat(engine.clock.slept()).hasSize(before);
    }
}
