package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Platform;
import dev.entrepot.replicator.ImagePlan.Step;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a run that ends complete pushed and mounted is what its plan says, target by target; what a target had sent
 * again is counted apart.
 */
class PlanExactnessTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    /** Graphs of the source, under tags of two repositories. */
    private enum Graph {
        ONE_IMAGE {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                return tagged(app, "v1", app.image("amd64"));
            }
        },
        INDEX_IN_AN_INDEX {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                Descriptor inner = app.index(List.of(app.image("amd64"), app.image("arm64")));
                return tagged(app, "v1", app.index(List.of(inner, app.image("riscv64"))));
            }
        },
        SIGNED_SBOM_AND_COSIGN_TAG {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                Descriptor image = app.image("amd64");
                Descriptor sbom = app.referrer(image, "x/sbom", "sbom");
                app.referrer(sbom, "x/sig", "signature of the sbom");
                app.tag(Shapes.stem(image) + ".sig", app.image("cosign"));
                return tagged(app, "v1", app.index(List.of(image)));
            }
        },
        REFERRER_THAT_IS_ALSO_A_CHILD {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                Descriptor image = app.image("amd64");
                Descriptor attestation = app.referrer(image, "x/attestation", "attestation");
                return tagged(app, "v1", app.index(List.of(image, Shapes.plain(attestation))));
            }
        },
        TAGS_THAT_SHARE_NODES {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                Descriptor amd = app.image("amd64");
                app.referrer(amd, "x/sbom", "sbom");
                app.tag("v1-amd64", amd);
                app.tag("stable", app.index(List.of(amd)));
                return tagged(app, "v1", app.index(List.of(amd, app.image("arm64"))));
            }
        },
        REPOSITORIES_THAT_SHARE_BLOBS {
            @Override
            Descriptor put(MemoryRegistry source, Shapes app) {
                Shapes other = new Shapes(source.repository("other"));
                tagged(other, "v1", other.index(List.of(other.image("one"), other.image("two"))));
                other.tag("v2", other.image("amd64"));
                return tagged(app, "v1", app.image("amd64"));
            }
        };

        abstract Descriptor put(MemoryRegistry source, Shapes app);

        private static Descriptor tagged(Shapes shapes, String tag, Descriptor image) {
            shapes.tag(tag, image);
            return image;
        }
    }

    /** What a target loses in its first run. */
    private enum Loss {
        NOTHING {
            @Override
            boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen) {
                return false;
            }
        },
        EACH_BLOB_BEFORE_IT_IS_VERIFIED {
            @Override
            boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen) {
                Digest digest = digest(request);
                return request.startsWith("HEAD blob ")
                        && at.blobs.containsKey(digest)
                        && seen.add(request)
                        && at.blobs.remove(digest) != null;
            }
        },
        ALL_BLOBS_BEFORE_THE_FIRST_MANIFEST {
            @Override
            boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen) {
                boolean first = request.startsWith("PUT manifest ") && seen.add("first");
                if (first) {
                    at.blobs.clear();
                }
                return first;
            }
        },
        ALL_BLOBS_BEFORE_EACH_SIGNATURES_TAG {
            @Override
            boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen) {
                boolean first = request.startsWith("PUT manifest ") && request.endsWith(".sig") && seen.add(request);
                if (first) {
                    at.blobs.clear();
                }
                return first;
            }
        },
        CHILDREN_BEFORE_THEIR_INDEX {
            @Override
            boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen)
                    throws IOException {
                ManifestBytes bytes = request.startsWith("PUT manifest ") && seen.add(request)
                        ? from.manifests.get(digest(request))
                        : null;
                return bytes != null
                        && Manifest.parse(bytes).manifests().stream()
                                        .filter(child -> at.manifests.containsKey(child.digest())
                                                && seen.add("lost " + child.digest())
                                                && at.manifests.remove(child.digest()) != null)
                                        .count()
                                > 0;
            }
        };

        /**
         * Has the target lose something before it sees the request, where it is time for that; tells whether it did.
         */
        abstract boolean hits(MemoryRepository at, MemoryRepository from, String request, Set<String> seen)
                throws IOException;

        // Of a tag the digest of nothing.
        private static Digest digest(String request) {
            String last = request.substring(request.lastIndexOf(' ') + 1);
            return last.contains(":") ? Digest.parse(last) : Digest.sha256(new byte[0]);
        }
    }

    private AtomicInteger lossesOf(MemoryRegistry target, Loss loss) {
        AtomicInteger losses = new AtomicInteger();
        Set<String> seen = ConcurrentHashMap.newKeySet();
        target.gate((index, request) -> {
            String name = request.split(" ", -1)[2];
            if (name.startsWith("mirror/")
                    && loss.hits(
                            target.repository(name),
                            source.repository(name.substring("mirror/".length())),
                            request,
                            seen)) {
                losses.incrementAndGet();
            }
        });
        return losses;
    }

    static Stream<Arguments> cases() {
        return Stream.of(Graph.values())
                .flatMap(graph -> Stream.of(Loss.values()).map(loss -> Arguments.of(graph, loss)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsSentBesidesRepairsIsWhatWasPlanned(Graph graph, Loss loss) throws IOException {
        Descriptor image = graph.put(source, app);
        Rules rules = new Rules(source);
        rules.repositories = List.of(NamePattern.parse("*"));
        List<MemoryRegistry> targets = List.of(
                new MemoryRegistry("able.test", Abilities.ALL),
                new MemoryRegistry("old.test", Abilities.NO_API),
                new MemoryRegistry("pretends.test", Abilities.PRETENDS),
                new MemoryRegistry("pushed.test", Abilities.NO_MOUNT),
                new MemoryRegistry("strict.test", Abilities.NO_SPARSE));
        // Only the last looks at the children that an index names.
        List<MemoryRegistry> losing = loss == Loss.CHILDREN_BEFORE_THEIR_INDEX ? List.of(targets.getLast()) : targets;
        List<AtomicInteger> losses =
                losing.stream().map(target -> lossesOf(target, loss)).toList();
        targets.forEach(rules::to);

        ReplicationReport report = assertPlanIsDone(rules, targets);

        long lost = losses.stream().mapToInt(AtomicInteger::get).sum();
        assertThat(report.tally().repaired() > 0).as(lost + " losses").isEqualTo(lost > 0);

        targets.forEach(target -> target.gate((index, request) -> {}));
        app.referrer(app.referrer(image, "x/late", "late"), "x/later", "later");
        app.tag("v9", app.image("new"));
        assertPlanIsDone(rules, targets);
    }

    private ReplicationReport assertPlanIsDone(Rules rules, List<MemoryRegistry> targets) throws IOException {
        ReplicationPlan plan = engine.runner.plan(rules.rule());
        targets.forEach(MemoryRegistry::forgetRequests);
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        for (int i = 0; i < targets.size(); i++) {
            ReplicationPlan.TargetPlan planned = plan.targets().get(i);
            Tally done = report.targets().get(i).tally();
            String name = planned.target();
            assertThat(done.manifestsPushed()).as("manifests at " + name).isEqualTo(sum(planned, true, Step.PUSH));
            // A mount that is refused is a push.
            assertThat(done.blobsPushed() + done.blobsMounted())
                    .as("blobs at " + name)
                    .isEqualTo(sum(planned, false, Step.PUSH) + sum(planned, false, Step.MOUNT));
            boolean asPlanned =
                    done.repaired() == 0 && done.blobsPushed() == sum(planned, false, Step.PUSH) && !trims(rules);
            if (asPlanned) {
                assertThat(done.bytes()).as("bytes to " + name).isEqualTo(planned.bytes());
                assertThat(PlanWriter.toText(plan)).contains(Sizes.bytes(done.bytes()) + " to move with about ");
            }
            assertThat(done.blobsPushed() + done.blobsRepaired())
                    .as("blobs that " + name + " saw")
                    .isEqualTo(targets.get(i).requests("PUT blob ").size());
        }
        return report;
    }

    @Test
    void trimmedIndexUnderTwoTagsIsCountedOnce() throws IOException {
        Descriptor root =
                app.index(List.of(on(app.image("amd64"), "linux/amd64"), on(app.image("arm64"), "linux/arm64")));
        app.tag("v1", root);
        app.tag("stable", root);
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_SPARSE);
        Rules rules = new Rules(source).to(strict);
        rules.platforms = List.of(Platform.parse("linux/arm64"));
        rules.onSparseRefused = OnSparseRefused.TRIM;

        assertPlanIsDone(rules, List.of(strict));
    }

    private static Descriptor on(Descriptor descriptor, String platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    // A trimmed index is smaller than the one that is planned for.
    private static boolean trims(Rules rules) {
        return rules.onSparseRefused == OnSparseRefused.TRIM;
    }

    private static long sum(ReplicationPlan.TargetPlan plan, boolean manifests, Step step) {
        return plan.images().stream()
                .mapToLong(image -> image.count(manifests, step))
                .sum();
    }
}
