package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Of a tag that the rule calls immutable, is looked at again all the same, and was moved at the source. */
class ImmutableTagTest {
    private static final Tag TAG = new Tag("v1.1");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.NO_API);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source);
    private final Descriptor copied = shapes.image("first");
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        rules.immutable = List.of(NamePattern.parse("v1.*"));
        shapes.tag(TAG.value(), copied);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private ItemReport item(Verify verify) throws IOException {
        try {
            ReplicationReport report = engine.runner.run(rules.rule().verifying(verify), "test", ProgressListener.NONE);
            return report.items().getFirst();
        } catch (RuleBusyException e) {
            throw new AssertionError(e);
        }
    }

    private ManifestBytes copiesWithoutAReferrerAndMoves() throws IOException {
        Descriptor signature = shapes.referrer(copied, "x/sig", "signature");
        shapes.fallback(copied, signature, "");
        ManifestBytes gone = app.manifests.remove(signature.digest());
        rules.to(target);
        assertThat(item(Verify.HEAD).state()).isEqualTo(State.COPIED);
        shapes.tag(TAG.value(), shapes.image("second"));
        return gone;
    }

    @ParameterizedTest
    @ValueSource(strings = {"HEAD", "DEEP"})
    void tagThatLacksAReferrerStaysAtWhatWasCopied(Verify verify) throws IOException {
        copiesWithoutAReferrerAndMoves();

        assertThat(item(verify).state()).isEqualTo(State.UP_TO_DATE);

        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
    }

    @Test
    void referrerThatWasLackingIsBroughtToWhatWasCopied() throws IOException {
        ManifestBytes signature = copiesWithoutAReferrerAndMoves();
        app.manifests.put(signature.digest(), signature);

        assertThat(item(Verify.HEAD).state()).isEqualTo(State.COPIED);

        assertThat(mirror.manifests).containsKey(signature.digest());
        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
        source.forgetRequests();
        assertThat(item(Verify.HEAD).state()).isEqualTo(State.UP_TO_DATE);
        assertThat(source.requests("HEAD")).as("it lacks nothing any more").isEmpty();
    }

    @Test
    void tagThatLacksAReferrerStaysWhereTheSourceDoesNotHaveTheImageAnyMore() throws IOException {
        copiesWithoutAReferrerAndMoves();
        app.manifests.remove(copied.digest());

        ItemReport item = item(Verify.HEAD);

        assertThat(item.state()).isEqualTo(State.UP_TO_DATE);
        assertThat(item.reason()).contains("it does not have the image any more");
        assertThat(mirror.tags).containsEntry(TAG, copied.digest());
        assertThat(target.requests("GET blob")).isEmpty();
    }

    @Test
    void layoutThatWasCarriedAwayGetsWhatWasCopiedBefore() throws IOException {
        Path layout = folder.resolve("layout");
        rules.to(new LayoutTargets().target("layout", layout));
        assertThat(item(Verify.HEAD).state()).isEqualTo(State.COPIED);
        Files.move(layout, folder.resolve("carried away"));
        shapes.tag(TAG.value(), shapes.image("second"));

        assertThat(item(Verify.HEAD).digest()).contains(copied.digest());

        assertThat(new LayoutTargets()
                        .source("layout", layout)
                        .repository(rules.targets
                                .getFirst()
                                .naming()
                                .apply(app.repository().name()))
                        .resolve(TAG)
                        .orElseThrow()
                        .digest())
                .isEqualTo(copied.digest());
    }

    @Test
    void layoutThatWasCarriedAwayGetsNothingElseWhereTheSourceDoesNotHaveTheImageAnyMore() throws IOException {
        Path layout = folder.resolve("layout");
        rules.to(new LayoutTargets().target("layout", layout));
        assertThat(item(Verify.HEAD).state()).isEqualTo(State.COPIED);
        Files.move(layout, folder.resolve("carried away"));
        shapes.tag(TAG.value(), shapes.image("second"));
        app.manifests.remove(copied.digest());

        ItemReport item = item(Verify.HEAD);

        assertThat(item.state()).isEqualTo(State.FAILED);
        assertThat(item.failure().orElseThrow().cause())
                .contains("the source does not have " + copied.digest() + " any more");
    }
}
