package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCostTest {
    private static final int SOURCE_REQUESTS_EACH = 7;
    private static final int TARGET_REQUESTS_EACH = 8;
    private static final int REQUESTS_OF_PLAIN_IMAGE = 4;
    private static final int MOST_BEGUN = 64;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));

    /** Images with an SBOM that is signed, as in the benchmark. */
    private void tags(int count) {
        for (int i = 0; i < count; i++) {
            Descriptor image = shapes.image("v" + i);
            Descriptor sbom = shapes.referrer(image, "x/sbom", "sbom " + i);
            shapes.referrer(sbom, "x/signature", "signature " + i);
            shapes.tag("v" + i, image);
        }
    }

    private ReplicationPlan plan(int count) throws IOException {
        tags(count);
        return plan();
    }

    private ReplicationPlan plan() throws IOException {
        source.forgetRequests();
        target.forgetRequests();
        try (Engine engine = new Engine(Files.createTempDirectory(folder, "plan"))) {
            return engine.runner.plan(new Rules(source).to(target).rule());
        }
    }

    @Test
    void eachTagCostsTheSameRequestsHoweverManyThereAre() throws IOException {
        somethingElseIsAtTheTarget();
        for (int count : List.of(10, 20, 40)) {
            ReplicationPlan plan = plan(count);

            assertThat(plan.targets().getFirst().count(ImagePlan.Action.COPY)).isEqualTo(count);
            // One list of tags; at the target the base layer and the empty configuration, which all share, and one
            // list.
            assertThat(source.requests()).hasSize(1 + SOURCE_REQUESTS_EACH * count);
            assertThat(target.requests()).hasSize(3 + TARGET_REQUESTS_EACH * count);
        }
    }

    // Of a repository that it does not know nothing is asked.
    private void somethingElseIsAtTheTarget() {
        Shapes there = new Shapes(target.repository("mirror/app"));
        there.tag("other", there.image("other"));
    }

    @Test
    void ofARepositoryThatTheTargetDoesNotKnowOneListIsAllThatIsAsked() throws IOException {
        ReplicationPlan plan = plan(10);

        assertThat(plan.targets().getFirst().count(ImagePlan.Action.COPY)).isEqualTo(10);
        assertThat(target.requests()).containsExactly("GET tags mirror/app ");
    }

    @Test
    void tagsAreBegunAsOthersEnd() throws IOException {
        somethingElseIsAtTheTarget();
        for (int i = 0; i < 100; i++) {
            shapes.tag("v" + i, shapes.image("v" + i));
        }
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger mostOpen = new AtomicInteger();
        // The first question about a tag is at the source; a tag that has ended has sent all of its own to the target.
        source.gate((index, request) -> {
            if (request.startsWith("HEAD manifest")) {
                int here = begun.incrementAndGet();
                int ended = target.requests().size() / REQUESTS_OF_PLAIN_IMAGE;
                mostOpen.accumulateAndGet(here - ended, Math::max);
            }
        });

        plan();

        assertThat(begun).hasValue(100);
        assertThat(mostOpen).hasValueLessThanOrEqualTo(MOST_BEGUN);
    }

    @Test
    void whatIsEqualInManyImagesIsKeptOnce() throws IOException {
        ReplicationPlan plan = plan(40);

        List<Descriptor> planned = plan.targets().getFirst().images().stream()
                .flatMap(image -> image.nodes().stream())
                .map(ImagePlan.Node::descriptor)
                .toList();
        assertThat(instances(planned)).isEqualTo(Set.copyOf(planned).size());
        List<MediaType> types = planned.stream().map(Descriptor::mediaType).toList();
        assertThat(instances(types)).isEqualTo(Set.copyOf(types).size());
        List<Digest> digests = planned.stream().map(Descriptor::digest).toList();
        assertThat(instances(digests)).isEqualTo(Set.copyOf(digests).size());
    }

    private static int instances(List<?> values) {
        Set<Object> instances = Collections.newSetFromMap(new IdentityHashMap<>());
        instances.addAll(values);
        return instances.size();
    }
}
