package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnknownRepositoryTest {
    private static final String LIST = "GET tags";

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final MemoryRepository there = target.repository("mirror/app");

    @BeforeEach
    void anImageWithAnSbomThatIsSigned() {
        Shapes shapes = new Shapes(source.repository("app"));
        for (int i = 0; i < 3; i++) {
            Descriptor image = shapes.image("v" + i);
            shapes.referrer(shapes.referrer(image, "x/sbom", "sbom " + i), "x/signature", "signature " + i);
            shapes.tag("v" + i, image);
        }
    }

    private ReplicationReport run(Rules rules) throws IOException {
        target.forgetRequests();
        try (Engine engine = new Engine(folder)) {
            return engine.run(rules);
        }
    }

    private Rules rules() {
        return new Rules(source).to(target);
    }

    private static boolean asks(String request) {
        return request.startsWith("HEAD") || request.startsWith("GET");
    }

    @Test
    void isNotAskedForAnythingBeforeSomethingIsSent() throws IOException {
        ReplicationReport report = run(rules());

        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(target.requests().stream().takeWhile(UnknownRepositoryTest::asks))
                .containsExactly(LIST + " mirror/app ");
        // All that was sent is verified all the same.
        there.manifests.keySet().stream()
                .filter(digest -> source.repository("app").manifests.containsKey(digest))
                .forEach(digest -> assertThat(target.requests("HEAD manifest mirror/app " + digest))
                        .hasSize(1));
        there.blobs
                .keySet()
                .forEach(digest -> assertThat(target.requests("HEAD blob mirror/app " + digest))
                        .hasSize(1));
        assertThat(target.requests(LIST)).hasSize(1);
    }

    @Test
    void isAskedForWhatAnEarlierRunSentThoughItIsStillUnknown() throws IOException {
        target.gate((index, request) -> {
            if (request.startsWith("PUT manifest")) {
                throw new RefusedException(400, "MANIFEST_INVALID", "not today");
            }
        });
        run(rules());
        int sent = there.blobs.size();
        target.gate((index, request) -> {});

        ReplicationReport report = run(rules());

        assertThat(sent).isPositive();
        assertThat(there.tags).containsKeys(new Tag("v0"), new Tag("v1"), new Tag("v2"));
        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(target.requests(LIST)).isEmpty();
        assertThat(report.items().stream().mapToLong(item -> item.tally().blobsPushed()))
                .containsOnly(0L);
    }

    @ParameterizedTest
    @EnumSource(
            value = OnConflict.class,
            names = {"KEEP", "FAIL", "BACKUP"})
    void tagThatMayHaveToBeKeptIsAskedForWhateverTheListSays(OnConflict onConflict) throws IOException {
        Shapes shapes = new Shapes(there);
        Descriptor old = shapes.image("of the target");
        shapes.tag("v1", old);
        target.gate((index, request) -> {
            if (request.startsWith(LIST)) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "NAME_UNKNOWN", "hidden");
            }
        });
        Rules rules = rules();
        rules.onConflict = onConflict;

        run(rules);

        if (onConflict == OnConflict.BACKUP) {
            assertThat(there.tags.values()).contains(old.digest());
        } else {
            assertThat(there.tags).containsEntry(new Tag("v1"), old.digest());
        }
    }

    @Test
    void listThatIsRefusedOrNotFoundByAnybodyElseSaysNothing() throws IOException {
        List<IOException> answers = List.of(
                new NotFoundException(NotFoundException.Kind.NAME, "no such page"),
                new RefusedException(405, "UNSUPPORTED", "no lists"),
                new OutageException(OutageException.Reason.SERVER_ERROR, "the list takes too long"));
        for (IOException answer : answers) {
            try (Engine engine = new Engine(folder.resolve("run" + answers.indexOf(answer)))) {
                target.forgetRequests();
                target.gate((index, request) -> {
                    if (request.startsWith(LIST)) {
                        throw answer;
                    }
                });

                ReplicationReport report = engine.run(rules());

                assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
                assertThat(target.requests("HEAD blob")).isNotEmpty();
                assertThat(target.requests("HEAD manifest mirror/app v")).hasSize(3);
            }
        }
        assertThat(target.requests("PUT manifest")).isEmpty();
    }
}
