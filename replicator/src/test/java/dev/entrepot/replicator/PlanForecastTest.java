package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** What a plan says that a run will send, held against what source and targets count in the run that follows. */
class PlanForecastTest {
    // How much more than it is sent a target is expected to be sent, at most: referrers lists are mostly right at once.
    private static final double MOST_OVER = 1.5;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry able = new MemoryRegistry("able.test", Abilities.ALL);
    private final MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
    private final Rules rules = new Rules(source).to(able).to(old);
    private Engine engine;

    @BeforeEach
    void fleet() throws IOException {
        engine = new Engine(folder);
        rules.repositories = List.of(NamePattern.parse("*"));
        for (String name : List.of("app", "other")) {
            Shapes shapes = new Shapes(source.repository(name));
            for (int i = 1; i <= 3; i++) {
                Descriptor image = shapes.image(name + " v" + i);
                Descriptor sbom = shapes.referrer(image, "x/sbom", name + " sbom " + i);
                shapes.referrer(sbom, "x/signature", name + " signature " + i);
                shapes.tag(Shapes.stem(image) + ".sig", shapes.image(name + " cosign " + i));
                shapes.tag("v" + i, shapes.index(List.of(image)));
            }
        }
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void forget() {
        List.of(source, able, old).forEach(MemoryRegistry::forgetRequests);
    }

    private static void assertSent(MemoryRegistry registry, SourceRequests expected) {
        assertThat(registry.requests("GET manifest")).as("manifests").hasSize((int) expected.manifests());
        assertThat(registry.requests("GET manifest")).as("pulls").hasSize((int) expected.pulls());
        assertThat(registry.requests("GET blob")).as("blobs").hasSize((int) expected.blobs());
        assertThat(registry.requests("GET catalog")).as("catalogs").hasSize((int) expected.catalogs());
        assertThat(registry.requests("GET tags")).as("tag lists").hasSize((int) expected.tagLists());
        assertThat(registry.requests("HEAD manifest")).as("heads").hasSize((int) expected.heads());
        assertThat(registry.requests("GET referrers")).as("referrers").hasSize((int) expected.referrers());
        assertThat(registry.requests()).hasSize((int) expected.total());
    }

    private static void assertSent(MemoryRegistry registry, TargetRequests expected) {
        long uploads = registry.requests("PUT blob").size();
        assertThat(2 * uploads).as("uploads").isEqualTo(expected.uploads());
        assertThat(registry.requests("MOUNT blob")).as("mounts").hasSize((int) expected.mounts());
        // An upload is two requests where there is a network.
        long sent = registry.requests().size() + uploads;
        assertThat(expected.total()).as("requests to " + registry.host()).isBetween(sent, Math.round(sent * MOST_OVER));
    }

    private ReplicationPlan assertForecastIsRight() throws IOException {
        forget();
        ReplicationPlan plan = engine.runner.plan(rules.rule());
        assertSent(source, plan.made());
        forget();
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertSent(source, plan.forecast());
        assertSent(able, plan.targets().get(0).forecast());
        assertSent(old, plan.targets().get(1).forecast());
        return plan;
    }

    @Test
    void sourceThatKeepsNothingIsAskedForAllAgain() throws IOException {
        ReplicationPlan plan = assertForecastIsRight();

        assertThat(plan.forecast().manifests())
                .isEqualTo(plan.made().manifests())
                .isPositive();
        assertThat(plan.forecast().blobs()).isPositive();
        assertThat(assertForecastIsRight().forecast().pulls())
                .as("nothing changed")
                .isZero();
    }

    @ParameterizedTest
    @EnumSource(OnConflict.class)
    void tagsAloneAreWrittenWithAsManyRequestsAsForeseen(OnConflict onConflict) throws IOException {
        rules.onConflict = onConflict;
        rules.immutable = List.of(NamePattern.parse("again-*"));
        engine.run(rules);
        MemoryRepository app = source.repository("app");
        for (int i = 1; i <= 3; i++) {
            app.tags.put(new Tag("again-" + i), app.tags.get(new Tag("v" + i)));
            app.tags.put(new Tag("once-more-" + i), app.tags.get(new Tag("v" + i)));
        }
        List.of(able, old)
                .forEach(target -> target.repository("mirror/app")
                        .tags
                        .keySet()
                        .removeIf(tag -> tag.value().endsWith(".sig")));

        assertForecastIsRight();
    }

    @Test
    void cacheIsAskedForNoManifestAgainAndForEachBlobOnceWhateverTheNumberOfTargets() throws IOException {
        rules.source = new Cache(rules.source);
        ReplicationPlan plan = assertForecastIsRight();

        assertThat(plan.made().pulls()).isPositive();
        assertThat(plan.forecast().pulls()).isZero();
        assertThat(plan.forecast().blobs())
                .isPositive()
                .isLessThan(plan.targets().stream()
                        .mapToLong(target -> target.forecast().uploads() / 2)
                        .sum());
    }

    @Test
    void whatTheCacheHasAlreadyIsNotCounted() throws IOException {
        rules.source = new Cache(rules.source);
        rules.targets.removeLast();
        engine.run(rules);
        rules.to(old);

        ReplicationPlan plan = assertForecastIsRight();

        assertThat(plan.made().pulls()).isZero();
        assertThat(plan.forecast().pulls()).isZero();
        assertThat(plan.forecast().blobs()).isZero();
        assertThat(plan.targets().get(1).forecast().uploads()).isPositive();
    }

    @Test
    void textAndJsonTellTheForecastApartFromWhatThePlanItselfCost() throws IOException {
        rules.source = new Cache(rules.source);
        ReplicationPlan plan = engine.runner.plan(rules.rule());
        long pulls = plan.made().pulls();

        assertThat(PlanWriter.toText(plan))
                .contains("the run sends the source " + plan.forecast().total()
                        + " requests (1 for the catalog, 2 for tag lists, ")
                .contains(" 0 for manifests, " + plan.forecast().blobs()
                        + " for blobs), of which a pull quota counts 0\n")
                .contains("making this plan sent it " + plan.made().total() + " requests (")
                .contains("of which a pull quota counts " + pulls + "\n")
                .contains(" to move with about "
                        + plan.targets().getFirst().forecast().total() + " requests (");
        JsonNode json = OciJson.mapper().readTree(PlanWriter.toJson(plan));
        assertThat(json.at("/forecast/pulls").asLong(-1)).isZero();
        assertThat(json.at("/forecast/blobs").asLong())
                .isEqualTo(plan.forecast().blobs());
        assertThat(json.at("/made/pulls").asLong()).isEqualTo(pulls);
        assertThat(json.at("/targets/0/requestsByKind/uploads").asLong())
                .isEqualTo(plan.targets().getFirst().forecast().uploads());
    }

    /** Keeps what is read by digest, and asks for all else. */
    private static final class Cache implements SourceRegistry {
        private final SourceRegistry upstream;
        private final Map<Digest, ManifestBytes> manifests = new HashMap<>();
        private final Map<Digest, byte[]> blobs = new HashMap<>();

        Cache(SourceRegistry upstream) {
            this.upstream = upstream;
        }

        @Override
        public String name() {
            return upstream.name();
        }

        @Override
        public List<RepositoryName> catalog() throws IOException {
            return upstream.catalog();
        }

        @Override
        public boolean keepsWhatIsRead() {
            return true;
        }

        @Override
        public synchronized boolean keeps(Digest content, boolean manifest) {
            return manifest ? manifests.containsKey(content) : blobs.containsKey(content);
        }

        private synchronized ManifestBytes manifest(RepositorySource from, Digest digest) throws IOException {
            ManifestBytes kept = manifests.get(digest);
            if (kept == null) {
                kept = from.fetchManifest(digest);
                manifests.put(digest, kept);
            }
            return kept;
        }

        private synchronized byte[] blob(RepositorySource from, Digest digest) throws IOException {
            byte[] kept = blobs.get(digest);
            if (kept == null) {
                try (BlobBody body = from.openBlob(digest, ByteRange.ALL)) {
                    kept = body.stream().readAllBytes();
                }
                blobs.put(digest, kept);
            }
            return kept;
        }

        @Override
        public RepositorySource repository(RepositoryName name) {
            return new CachedRepository(this, upstream.repository(name));
        }
    }

    private record CachedRepository(Cache cache, RepositorySource upstream) implements RepositorySource {
        @Override
        public Repository repository() {
            return upstream.repository();
        }

        @Override
        public TagPage listTags(Optional<String> cursor) throws IOException {
            return upstream.listTags(cursor);
        }

        @Override
        public Referrers referrers(Digest subject) throws IOException {
            return upstream.referrers(subject);
        }

        @Override
        public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
            return upstream.statBlob(digest);
        }

        @Override
        public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
            byte[] bytes = cache.blob(upstream, digest);
            int from = (int) range.first();
            return new Kept(new ByteArrayInputStream(bytes, from, bytes.length - from), from, bytes.length);
        }

        @Override
        public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
            return upstream.resolve(reference);
        }

        @Override
        public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
            return cache.manifest(upstream, (Digest) reference);
        }
    }

    private record Kept(InputStream stream, long offset, int length) implements BlobBody {
        @Override
        public OptionalLong totalBytes() {
            return OptionalLong.of(length);
        }

        @Override
        public void close() {}
    }
}
