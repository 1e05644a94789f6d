package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.journal.RunRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrokenOffRunTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);

    @Test
    void runThatIsInterruptedIsNotShownAsRunning() throws Exception {
        shapes.tag("v1", shapes.image("amd64"));
        CountDownLatch asked = new CountDownLatch(1);
        target.gate((index, request) -> {
            asked.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted in " + request);
            }
        });
        try (Engine engine = new Engine(folder)) {
            CompletableFuture<ReplicationReport> run = new CompletableFuture<>();
            Thread thread = Thread.ofVirtual().start(() -> {
                try {
                    run.complete(engine.run(new Rules(source).to(target)));
                } catch (IOException e) {
                    run.completeExceptionally(e);
                }
            });
            assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
            thread.interrupt();
            assertThatThrownBy(() -> run.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);

            assertThat(engine.journal.runs().last(9)).singleElement().satisfies(record -> {
                assertThat(record.outcome()).isEqualTo("broken-off");
                assertThat(record.ended()).isPresent();
            });
            assertThat(engine.runner.isRunning("rule")).isFalse();
            target.gate((index, request) -> {});
            engine.run(new Rules(source).to(target));
            assertThat(engine.journal.runs().last(9))
                    .extracting(RunRecord::outcome)
                    .containsExactly("complete", "broken-off");
        }
    }
}
