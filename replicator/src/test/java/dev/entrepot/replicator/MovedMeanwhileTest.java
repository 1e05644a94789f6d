package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What somebody puts under a tag at the target after it was compared, and before the run writes it. */
class MovedMeanwhileTest {
    private static final Tag TAG = new Tag("v1");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
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

    private ItemReport run() throws IOException {
        return engine.run(rules).items().getFirst();
    }

    private ItemReport runWhileSomebodyPuts(Tag tag, Digest theirs) throws IOException {
        target.gate((index, request) -> {
            if (request.startsWith("PUT blob")) {
                mirror.tags.put(tag, theirs);
            }
        });
        ItemReport item = run();
        target.gate((index, request) -> {});
        return item;
    }

    private Digest somebodys() {
        return new Shapes(mirror).image("somebody's").digest();
    }

    @ParameterizedTest
    @EnumSource(names = "OVERWRITE", mode = EnumSource.Mode.EXCLUDE)
    void isDealtWithAsTheRuleSaysByTheNextRun(OnConflict onConflict) throws IOException {
        rules.onConflict = onConflict;
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);
        Digest theirs = somebodys();

        ItemReport item = runWhileSomebodyPuts(TAG, theirs);

        assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
        assertThat(item.failure().orElseThrow().cause())
                .contains("names " + theirs + " by now, and named nothing when it was compared");
        assertThat(mirror.tags).containsEntry(TAG, theirs).hasSize(1);

        ItemReport next = run();

        switch (onConflict) {
            case KEEP -> assertThat(next.state()).isEqualTo(ItemReport.State.SKIPPED);
            case FAIL -> assertThat(next.state()).isEqualTo(ItemReport.State.FAILED);
            case BACKUP, OVERWRITE ->
                assertThat(mirror.tags).containsValue(theirs).containsEntry(TAG, image.digest());
        }
        assertThat(mirror.tags).containsValue(theirs);
    }

    @Test
    void isOverwrittenWhereTheRuleSaysSo() throws IOException {
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);

        assertThat(runWhileSomebodyPuts(TAG, somebodys()).state()).isEqualTo(ItemReport.State.COPIED);

        assertThat(mirror.tags).containsEntry(TAG, image.digest());
    }

    @Test
    void isTakenWhereItIsTheSame() throws IOException {
        rules.onConflict = OnConflict.KEEP;
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);
        new Shapes(mirror).image("one");

        assertThat(runWhileSomebodyPuts(TAG, image.digest()).state()).isEqualTo(ItemReport.State.COPIED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void signatureIsNeverLost(boolean imageIsThere) throws IOException {
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);
        if (imageIsThere) {
            run();
            engine.clock.pass(Duration.ofDays(2));
        }
        Tag signatures = new Tag(Shapes.stem(image) + ".sig");
        Descriptor ours = shapes.image("signature of the source");
        shapes.tag(signatures.value(), ours);
        Digest theirs = somebodys();

        assertThat(runWhileSomebodyPuts(signatures, theirs).state()).isEqualTo(ItemReport.State.FAILED);
        assertThat(mirror.tags).containsEntry(signatures, theirs);

        assertThat(run().state()).isEqualTo(ItemReport.State.COPIED);
        assertThat(mirror.tags).containsEntry(signatures, ours.digest()).containsValue(theirs);
    }
}
