package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a rule has under no tag any more: what the source withdrew, and what a tag was at before it moved. Long, because
 * each is one case over the same source and target.
 */
class LeftoverPruneTest {
    private static final Duration PAST = Duration.ofDays(8);

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private MemoryRepository mirror = target.repository("mirror/app");
    private Rules rules = new Rules(source).to(target);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        prune(100);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void prune(int share) {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(share));
    }

    private void use(Abilities abilities) {
        target = new MemoryRegistry("target.test", abilities);
        mirror = target.repository("mirror/app");
        rules = new Rules(source).to(target);
        prune(100);
    }

    private ReplicationReport complete() throws IOException {
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        return report;
    }

    private List<PruneStep> planned() throws IOException {
        return engine.runner.plan(rules.rule()).targets().getFirst().pruning();
    }

    /** Runs, and holds the plan to what was deleted by digest. */
    private ReplicationReport asPlanned() throws IOException {
        List<String> planned = new ArrayList<>();
        planned().forEach(step -> step.manifests().forEach(digest -> planned.add("mirror/app " + digest)));
        target.forgetRequests();
        ReplicationReport report = engine.run(rules);
        assertThat(target.requests("DELETE manifest ").stream()
                        .map(line -> line.substring("DELETE manifest ".length()))
                        .filter(line -> line.contains(" sha256:")))
                .containsExactlyInAnyOrderElementsOf(planned);
        return report;
    }

    private static Stream<Abilities> abilities() {
        return Stream.of(Abilities.ALL, Abilities.NO_API, Abilities.PRETENDS);
    }

    private static List<Digest> listed(MemoryRepository repository, Descriptor subject) throws IOException {
        Digest index = repository.tags.get(subject.digest().referrersTag());
        ManifestBytes bytes = index == null ? null : repository.manifests.get(index);
        return bytes == null
                ? List.of()
                : Manifest.parse(bytes).manifests().stream()
                        .map(Descriptor::digest)
                        .toList();
    }

    private void refuseDeletes() {
        target.gate((index, request) -> {
            if (request.startsWith("DELETE")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });
    }

    private void refuseTagDeletes() {
        target.gate((index, request) -> {
            if (request.startsWith("DELETE") && !request.contains(" sha256:")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });
    }

    // What the source has withdrawn

    @ParameterizedTest
    @MethodSource("abilities")
    void referrerThatTheSourceWithdrewGoesAfterTheGraceTimeWithItsOwn(Abilities abilities) throws IOException {
        use(abilities);
        Descriptor image = shapes.image("amd64");
        Descriptor stays = shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        Descriptor signed = shapes.referrer(sbom, "x/sig", "signature of packages");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(sbom.digest());
        app.manifests.remove(signed.digest());
        complete();
        engine.clock.pass(Duration.ofDays(6));
        assertThat(planned()).isEmpty();
        complete();
        assertThat(mirror.manifests).containsKeys(sbom.digest(), signed.digest());
        engine.clock.pass(Duration.ofDays(2));

        assertThat(planned())
                .extracting(PruneStep::name)
                .containsExactly("mirror/app@" + signed.digest(), "mirror/app@" + sbom.digest());
        assertThat(planned().getLast().reason())
                .startsWith("withdrawn: the source no longer lists it as a referrer of " + image.digest());
        ReplicationReport report = asPlanned();

        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests).doesNotContainKeys(sbom.digest(), signed.digest());
        assertThat(mirror.tags).doesNotContainKey(sbom.digest().referrersTag());
        if (!abilities.referrersApi()) {
            assertThat(listed(mirror, image)).containsExactly(stays.digest());
        }
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        assertThat(planned()).isEmpty();
        assertThat(complete().targets().getFirst().pruned()).isZero();
    }

    @Test
    void fallbackTagIsRewrittenUnderTheLockOfItsSubjectBeforeTheManifestGoes() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        SubjectLocks locks = new SubjectLocks();
        ReplicationRunner runner = new ReplicationRunner(new RunServices(
                engine.journal,
                locks,
                new RepositoryClaims(),
                new KnownHosts(Engine.NO_RETRIES, engine.clock.time()),
                new RuleLimits(engine.clock.time()),
                engine.clock.time(),
                Engine.NO_RETRIES,
                Duration.ofDays(1),
                Duration.ofSeconds(30)));
        run(runner);
        app.manifests.remove(sbom.digest());
        run(runner);
        engine.clock.pass(PAST);
        List<String> writes = new ArrayList<>();
        target.gate((index, request) -> {
            if (request.startsWith("PUT") || request.startsWith("DELETE")) {
                writes.add(request + " under " + locks.size());
            }
        });
        run(runner);

        assertThat(writes)
                .containsExactly(
                        "PUT manifest mirror/app " + image.digest().referrersTag() + " under 1",
                        "DELETE manifest mirror/app " + sbom.digest() + " under 0");
    }

    private void run(ReplicationRunner runner) throws IOException {
        try {
            assertThat(runner.run(rules.rule(), "test", ProgressListener.NONE).outcome())
                    .isEqualTo(Outcome.COMPLETE);
        } catch (RuleBusyException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void fallbackTagThatLosesItsLastEntryBecomesEmptyAndWhatOthersListedStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor only = shapes.referrer(image, "x/sig", "signature");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(only.digest());
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.manifests).doesNotContainKey(only.digest());
        assertThat(mirror.tags).containsKey(image.digest().referrersTag());
        assertThat(listed(mirror, image)).isEmpty();
    }

    private record Withdrawn(Descriptor image, Descriptor stays, Descriptor sbom) {}

    private Withdrawn withdrawn() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor stays = shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(sbom.digest());
        complete();
        engine.clock.pass(PAST);
        return new Withdrawn(image, stays, sbom);
    }

    @Test
    void referrerThatTheTargetRefusesToDeleteIsListedAgain() throws IOException {
        Withdrawn withdrawn = withdrawn();
        ManifestBytes before =
                mirror.find(withdrawn.image().digest().referrersTag()).orElseThrow();
        refuseDeletes();

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.PARTLY);

        assertThat(listed(mirror, withdrawn.image()))
                .containsExactlyInAnyOrder(
                        withdrawn.stays().digest(), withdrawn.sbom().digest());
        assertThat(Manifest.parse(mirror.find(withdrawn.image().digest().referrersTag())
                                .orElseThrow())
                        .manifests())
                .as("as it was listed")
                .containsExactlyInAnyOrderElementsOf(Manifest.parse(before).manifests());
        target.gate((index, request) -> {});
        asPlanned();
        assertThat(listed(mirror, withdrawn.image()))
                .containsExactly(withdrawn.stays().digest());
    }

    @Test
    void referrerThatStaysForATagThatHasComeMeanwhileIsListedAgain() throws IOException {
        Withdrawn withdrawn = withdrawn();
        Tag fallback = withdrawn.image().digest().referrersTag();
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app " + fallback)) {
                engine.clock.pass(Duration.ofMinutes(1));
                mirror.tags.put(new Tag("theirs"), withdrawn.sbom().digest());
            }
        });

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("not brought by this process"));

        assertThat(mirror.manifests).containsKey(withdrawn.sbom().digest());
        assertThat(listed(mirror, withdrawn.image()))
                .containsExactlyInAnyOrder(
                        withdrawn.stays().digest(), withdrawn.sbom().digest());
    }

    @Test
    void referrerThatIsGoneThoughTheTargetDidNotSayStaysUnlisted() throws IOException {
        Withdrawn withdrawn = withdrawn();
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app " + withdrawn.sbom().digest())) {
                mirror.manifests.remove(withdrawn.sbom().digest());
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "504");
            }
        });

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.PARTLY);

        assertThat(listed(mirror, withdrawn.image()))
                .containsExactly(withdrawn.stays().digest());
    }

    @Test
    void entryThatComesWhileAnotherIsTakenOutStaysWhereTheTargetCanTell() throws IOException {
        target.knowsConditions = true;
        Descriptor image = shapes.image("amd64");
        Descriptor withdrawn = shapes.referrer(image, "x/sig", "signature");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(withdrawn.digest());
        complete();
        engine.clock.pass(PAST);
        Descriptor theirs = new Shapes(new MemoryRegistry("other.test", Abilities.ALL).repository("app"))
                .referrer(image, "x/sig", "signed by the region");
        Tag fallback = image.digest().referrersTag();
        AtomicBoolean done = new AtomicBoolean();
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app " + fallback) && done.compareAndSet(false, true)) {
                ManifestBytes both = FallbackIndex.merge(mirror.find(fallback), image.digest(), List.of(theirs))
                        .orElseThrow();
                mirror.manifests.put(both.digest(), both);
                mirror.tags.put(fallback, both.digest());
            }
        });

        complete();

        assertThat(mirror.manifests).doesNotContainKey(withdrawn.digest());
        assertThat(listed(mirror, image)).containsExactly(theirs.digest());
    }

    @Test
    void referrerWhoseEntryInTheFallbackTagCannotBeTakenOutStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor stays = shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(sbom.digest());
        complete();
        engine.clock.pass(PAST);
        AtomicBoolean out = new AtomicBoolean(true);
        target.gate((index, request) -> {
            if (out.get()
                    && request.equals(
                            "PUT manifest mirror/app " + image.digest().referrersTag())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);
        assertThat(listed(mirror, image)).contains(sbom.digest());
        assertThat(mirror.manifests).containsKey(sbom.digest());

        out.set(false);
        complete();
        assertThat(listed(mirror, image)).containsExactly(stays.digest());
        assertThat(mirror.manifests).doesNotContainKey(sbom.digest());
    }

    @Test
    void referrerThatATagOfCosignNamesByTheTimeItIsToGoStaysListed() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(sbom.digest());
        complete();
        engine.clock.pass(PAST);
        Tag theirs = new Tag("sha256-" + "0".repeat(64) + ".sbom");
        target.forgetRequests();
        target.gate((index, request) -> {
            // For the deletion, not for the plan.
            if (request.equals("GET manifest mirror/app " + sbom.digest())
                    && target.requests("GET tags").size() == 2) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                mirror.tags.put(theirs, sbom.digest());
            }
        });

        complete();

        assertThat(mirror.tags).containsEntry(theirs, sbom.digest());
        assertThat(mirror.manifests).containsKey(sbom.digest());
        assertThat(listed(mirror, image)).containsExactly(sbom.digest());
    }

    @Test
    void referrerThatTheTargetsOwnersAttachedStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor withdrawn = shapes.referrer(image, "x/sig", "signature");
        shapes.tag("v1", image);
        complete();
        Descriptor theirs = new Shapes(mirror).referrer(image, "x/sig", "signed by the region");
        app.manifests.remove(withdrawn.digest());
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.manifests).doesNotContainKey(withdrawn.digest()).containsKey(theirs.digest());
        assertThat(listed(mirror, image)).containsExactly(theirs.digest());
    }

    @Test
    void emptyListOfReferrersProvesNothingWhileTheSourceHasTheManifest() throws IOException {
        MemoryRegistry plain = new MemoryRegistry("source.test", Abilities.NO_API);
        MemoryRepository repository = plain.repository("app");
        Shapes at = new Shapes(repository);
        rules.source = plain.asSource();
        Descriptor image = at.image("amd64");
        Descriptor signature = at.referrer(image, "x/sig", "signature");
        at.tag("v1", image);
        complete();
        ManifestBytes empty = ManifestBytes.of(
                MediaType.OCI_INDEX,
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}"
                        .getBytes(StandardCharsets.UTF_8));
        repository.manifests.put(empty.digest(), empty);
        repository.tags.put(image.digest().referrersTag(), empty.digest());
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("is empty, which alone proves nothing");
        });
        ReplicationReport report = asPlanned();
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason()).contains("is empty, which alone proves nothing"));
        assertThat(mirror.manifests).containsKey(signature.digest());

        repository.manifests.remove(signature.digest());
        asPlanned();
        assertThat(mirror.manifests).doesNotContainKey(signature.digest());
    }

    @Test
    void listOfAMirrorThatIsBehindProvesNothing() throws IOException {
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);
        Descriptor first = shapes.referrer(image, "x/sig", "first");
        Descriptor second = shapes.referrer(image, "x/sig", "second");
        complete();
        app.manifests.remove(second.digest());
        Referrers all = new Referrers(Referrers.Origin.API, List.of(Shapes.plain(first), Shapes.plain(second)));
        SourceRegistry behind = source.asSource();
        rules.source = new SourceRegistry() {
            @Override
            public String name() {
                return behind.name();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return behind.repository(name);
            }

            @Override
            public List<RepositoryName> catalog() throws IOException {
                return behind.catalog();
            }

            @Override
            public boolean hasNow(RepositoryName repository, Digest manifest) {
                return true;
            }

            @Override
            public Optional<Referrers> ownReferrers(RepositoryName repository, Digest subject) {
                return Optional.of(all);
            }
        };
        engine.clock.pass(Duration.ofDays(2));
        complete();
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).containsKeys(first.digest(), second.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatATagWasAtGoesAlsoWhereTheAnswerToItsMoveWasLost(boolean staysAtTheSource) throws IOException {
        use(Abilities.ALL);
        Descriptor before = shapes.image("before");
        Descriptor signature = shapes.referrer(before, "x/sig", "signature of before");
        Descriptor after = shapes.image("after");
        shapes.tag("v1", before);
        shapes.tag("v2", shapes.image("other"));
        complete();
        shapes.tag("v1", after);
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app v1")) {
                mirror.tags.put(new Tag("v1"), after.digest());
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "504");
            }
        });
        assertThat(engine.run(rules).outcome()).isNotEqualTo(Outcome.COMPLETE);
        target.gate((index, request) -> {});
        if (!staysAtTheSource) {
            app.tags.remove(new Tag("v1"));
        }
        complete();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        assertThat(mirror.manifests).containsKeys(before.digest(), signature.digest());
        engine.clock.pass(Duration.ofDays(2));

        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(mirror.manifests).doesNotContainKeys(before.digest(), signature.digest());
        assertThat(mirror.manifests.containsKey(after.digest())).isEqualTo(staysAtTheSource);
    }

    @Test
    void listOfReferrersThatFailsProvesNothing() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        app.manifests.remove(sbom.digest());
        complete();
        engine.clock.pass(PAST);
        source.gate((index, request) -> {
            if (request.startsWith("GET referrers")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });

        assertThat(engine.run(rules).outcome()).isNotEqualTo(Outcome.COMPLETE);

        assertThat(mirror.manifests).containsKey(sbom.digest());
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void referrerThatCameBackInTimeStaysAndItsTimeBeginsAnewWhenItGoesAgain() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        ManifestBytes bytes = app.manifests.remove(sbom.digest());
        complete();
        app.manifests.put(sbom.digest(), bytes);
        complete();
        engine.clock.pass(PAST);
        assertThat(planned()).isEmpty();
        complete();
        app.manifests.remove(sbom.digest());
        complete();
        assertThat(planned()).isEmpty();
        assertThat(mirror.manifests).containsKey(sbom.digest());
        engine.clock.pass(PAST);
        asPlanned();
        assertThat(mirror.manifests).doesNotContainKey(sbom.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void cosignTagsThatTheSourceWithdrewGo(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        List<Tag> tags = Stream.of(".sig", ".att", ".sbom")
                .map(suffix -> new Tag(Shapes.stem(image) + suffix))
                .toList();
        for (Tag tag : tags) {
            shapes.tag(tag.value(), shapes.image("cosign " + tag));
        }
        shapes.tag("v1", image);
        complete();
        Digest signature = mirror.tags.get(tags.getFirst());
        Digest attestation = mirror.tags.get(tags.get(1));
        app.tags.remove(tags.getFirst());
        complete();
        engine.clock.pass(PAST);
        if (!deletesTags) {
            refuseTagDeletes();
        }

        assertThat(planned()).extracting(PruneStep::name).containsExactly("mirror/app:" + tags.getFirst());
        assertThat(planned().getFirst().reason()).startsWith("withdrawn: the source no longer has the tag");
        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(mirror.tags).doesNotContainKey(tags.getFirst()).containsKeys(tags.get(1), tags.get(2));
        assertThat(mirror.manifests).doesNotContainKey(signature).containsKey(attestation);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void listThatMayBeCutDoesNotProveThatACosignTagWasWithdrawn() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag signature = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(signature.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        app.tags.remove(signature);
        complete();
        engine.clock.pass(PAST);
        app.listMayBeCut = true;

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("the source's list of tags may be cut");
        });
        complete();
        assertThat(mirror.tags).containsKey(signature);

        app.listMayBeCut = false;
        complete();
        assertThat(mirror.tags).doesNotContainKey(signature);
    }

    @Test
    void tagThatLooksLikeOneOfCosignAndHasNoWholeDigestKeepsWhatItNames() throws IOException {
        Descriptor old = shapes.image("old");
        shapes.tag("v1", old);
        complete();
        Tag odd = new Tag("sha512-" + "a".repeat(64) + ".sig");
        mirror.tags.put(odd, old.digest());
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.tags).containsEntry(odd, old.digest());
        assertThat(mirror.manifests).containsKey(old.digest());
    }

    @Test
    void whatBelongsToAnIndexThatATagOfCosignNamesStaysWithIt() throws IOException {
        Descriptor child = shapes.image("old amd64");
        Descriptor old = shapes.index(List.of(child));
        Descriptor signature = shapes.referrer(old, "x/sig", "signature");
        Descriptor cosign = shapes.image("cosign");
        Tag tag = new Tag(Shapes.stem(old) + ".sig");
        shapes.tag(tag.value(), cosign);
        shapes.tag("v1", old);
        complete();
        mirror.tags.put(new Tag("sha512-" + "a".repeat(64) + ".sig"), old.digest());
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(asPlanned().items())
                .anySatisfy(
                        item -> assertThat(item.reason()).contains("left over stay: it belongs to " + old.digest()));
        assertThat(mirror.manifests).containsKeys(old.digest(), child.digest(), signature.digest(), cosign.digest());
        assertThat(mirror.tags).containsEntry(tag, cosign.digest());
    }

    @Test
    void cosignTagThatTheTargetsOwnersMovedStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest theirs = new Shapes(mirror).image("signed by the region").digest();
        mirror.tags.put(tag, theirs);
        app.tags.remove(tag);
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsEntry(tag, theirs);
        assertThat(mirror.manifests).containsKey(theirs);
    }

    @Test
    void cosignTagOfASubjectThatIsPrunedGoesThoughTheSourceWithdrewItBefore() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        shapes.tag("v2", shapes.image("other"));
        complete();
        Digest signature = mirror.tags.get(tag);
        app.tags.remove(tag);
        app.tags.remove(new Tag("v1"));
        complete();
        engine.clock.pass(PAST);
        complete();

        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature);
    }

    @Test
    void cosignTagThatTheSourceWithdrewAndWroteAnewMovesWithItAndNeedsNoBackup() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest old = mirror.tags.get(tag);
        app.tags.remove(tag);
        complete();
        Descriptor anew = shapes.image("cosign with another key");
        shapes.tag(tag.value(), anew);
        complete();
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v1"), tag).containsEntry(tag, anew.digest());
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.manifests).doesNotContainKey(old);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void backupOfACosignTagKeepsWhatItNames() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest signature = mirror.tags.get(tag);
        Tag backup = ImagePlan.Backup.name(tag, signature);
        mirror.tags.put(backup, signature);
        app.tags.remove(tag);
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsEntry(backup, signature);
        assertThat(mirror.manifests).containsKey(signature);
    }

    // What a tag was at before it moved

    private record Moved(Descriptor old, Descriptor child, Descriptor signature) {}

    private Moved moved() throws IOException {
        Descriptor child = shapes.image("old amd64");
        Descriptor shared = shapes.image("shared arm64");
        Descriptor old = shapes.index(List.of(child, shared));
        Descriptor signature = shapes.referrer(old, "x/sig", "signature");
        shapes.tag("latest", old);
        complete();
        shapes.tag("latest", shapes.index(List.of(shapes.image("new amd64"), shared)));
        complete();
        return new Moved(old, child, signature);
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void whatATagWasAtBeforeItMovedGoesAfterTheGraceTime(Abilities abilities) throws IOException {
        use(abilities);
        Moved moved = moved();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.signature().digest());
        engine.clock.pass(Duration.ofDays(2));

        assertThat(planned())
                .extracting(PruneStep::name)
                .containsExactly(
                        "mirror/app@" + moved.signature().digest(),
                        "mirror/app@" + moved.old().digest(),
                        "mirror/app@" + moved.child().digest());
        assertThat(planned().getLast().reason()).startsWith("left over: it has not belonged to latest since");
        assertThat(asPlanned().targets().getFirst().pruned()).isEqualTo(3);

        assertThat(mirror.manifests)
                .doesNotContainKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
        assertThat(mirror.tags).doesNotContainKey(moved.old().digest().referrersTag());
        Completeness.assertComplete(app, "latest", target, "mirror/app");
    }

    @Test
    void indexGoesBeforeTheImagesThatItNames() throws IOException {
        List<Descriptor> children = IntStream.range(0, 8)
                .mapToObj(i -> shapes.image("platform " + i))
                .toList();
        Descriptor old = shapes.index(children);
        // As the journal has them.
        assertThat(children).anyMatch(child -> child.digest().compareTo(old.digest()) < 0);
        shapes.tag("latest", old);
        complete();
        shapes.tag("latest", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).hasSize(9).first().returns("mirror/app@" + old.digest(), PruneStep::name);
        asPlanned();
        assertThat(target.requests("DELETE manifest mirror/app sha256:"))
                .hasSize(9)
                .first()
                .isEqualTo("DELETE manifest mirror/app " + old.digest());
    }

    @Test
    void whatIsUnderAnIndexThatTheTargetKeepsStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        mirror.undeletable.add(moved.old().digest());

        ReplicationReport report = complete();

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason()).contains("the target has it still"))
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("it belongs to " + moved.old().digest()));
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.child().digest());

        mirror.undeletable.clear();
        complete();
        assertThat(mirror.manifests)
                .doesNotContainKeys(moved.old().digest(), moved.child().digest());
    }

    @Test
    void whatIsUnderAnIndexThatCannotBeDeletedStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        AtomicBoolean out = new AtomicBoolean(true);
        target.gate((index, request) -> {
            if (out.get()
                    && request.equals(
                            "DELETE manifest mirror/app " + moved.old().digest())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.child().digest());

        out.set(false);
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests)
                .doesNotContainKeys(moved.old().digest(), moved.child().digest());
    }

    @Test
    void targetThatRefusesToListItsTagsKeepsAllThatIsLeftOverAndTheReportSaysSo() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new RefusedException(403, "DENIED", "no lists for you");
            }
        });

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("3 manifests left over stay: the target refuses to list its tags"));
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void whatCameFromAnotherSourceIsNotPrunedByWhatThisOneHas() throws IOException {
        Moved moved = moved();
        MemoryRegistry second = new MemoryRegistry("second.test", Abilities.ALL);
        Shapes there = new Shapes(second.repository("app"));
        there.tag("latest", there.image("of the second"));
        rules.source = second.asSource();
        complete();
        engine.clock.pass(PAST);

        assertThat(planned().stream().flatMap(step -> step.manifests().stream()))
                .doesNotContain(moved.old().digest(), moved.child().digest());
        complete();
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void whatMovedInARunIsNotDeletedByThatRunEvenWithoutAGraceTime() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        Moved moved = moved();
        assertThat(mirror.manifests).containsKey(moved.old().digest());
        asPlanned();
        assertThat(mirror.manifests).doesNotContainKey(moved.old().digest());
    }

    @Test
    void whatAnotherTagNeedsStays() throws IOException {
        Moved moved = moved();
        shapes.tag("v1", moved.old());
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatIsAboutToBeCopiedAgainStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        shapes.tag("v1", moved.old());

        assertThat(planned()).isEmpty();
        asPlanned();
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatAnotherRuleHasStays() throws IOException {
        Moved moved = moved();
        shapes.tag("stable", moved.old());
        Rules other = new Rules(source).to(target);
        other.name = "other";
        other.tags = named("stable");
        engine.run(other);
        rules.tags = named("latest");
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        Completeness.assertComplete(app, "stable", target, "mirror/app");
    }

    private static TagSelectionConfig named(String tag) {
        return new TagSelectionConfig(
                List.of(NamePattern.parse(tag)),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
    }

    @Test
    void whatABackupTagNeedsStays() throws IOException {
        Moved moved = moved();
        Tag backup = ImagePlan.Backup.name(new Tag("latest"), moved.old().digest());
        mirror.tags.put(backup, moved.old().digest());
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsKey(backup);
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void foreignTagKeepsAllThatIsLeftOverAndTheReportSaysSo() throws IOException {
        Moved moved = moved();
        mirror.tags.put(new Tag("theirs"), moved.old().digest());
        engine.clock.pass(PAST);

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("3 manifests left over stay").contains("not brought by this process");
        });
        assertThat(asPlanned().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("3 manifests left over stay"));
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.signature().digest());
    }

    @Test
    void whatTheRuleDidNotBringItselfIsNoLeftover() throws IOException {
        Descriptor theirs = new Shapes(mirror).image("theirs");
        new Shapes(mirror).tag("latest", theirs);
        shapes.tag("latest", shapes.image("ours"));
        rules.onConflict = OnConflict.OVERWRITE;
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        assertThat(mirror.manifests).containsKey(theirs.digest());
    }

    @Test
    void whatTheRuleWantsNoLongerIsNotGoneAtTheSource() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        rules.referrers = new ReferrersConfig(List.of(), List.of(NamePattern.parse("x/sbom")), List.of());
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        assertThat(mirror.manifests).containsKey(sbom.digest());
    }

    // Guards

    @Test
    void nothingIsLeftOverWhileTheRuleDoesNotPrune() throws IOException {
        rules.prune = PruneConfig.OFF;
        Moved moved = moved();
        engine.clock.pass(Duration.ofDays(99));
        complete();
        assertThat(target.requests("DELETE")).isEmpty();

        prune(100);
        complete();
        assertThat(mirror.manifests)
                .as("what was left before")
                .containsKey(moved.old().digest());
    }

    @Test
    void moreThanTheShareMeansNone() throws IOException {
        moved();
        prune(10);
        engine.clock.pass(PAST);

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("3 of 6 manifests").contains("raise max-share");
        });
        assertThat(asPlanned().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("3 of 6 manifests"));
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void targetThatDeletesNothingIsAFailureWithARemedy() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        refuseDeletes();

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(ReportWriter.toText(report)).contains("FAILED").contains("REGISTRY_STORAGE_DELETE_ENABLED=true");
        target.gate((index, request) -> {});
        assertThat(asPlanned().targets().getFirst().pruned()).isEqualTo(3);
        assertThat(mirror.manifests).doesNotContainKey(moved.old().digest());
    }

    @Test
    void targetThatGivesNoAnswerFailsAndThePlanSaysSo() throws IOException {
        moved();
        engine.clock.pass(PAST);
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });

        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.action()).isEqualTo(PruneStep.Action.FAIL));
        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void planSaysWhatGoesAndWhy() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        ReplicationPlan plan = engine.runner.plan(rules.rule());

        assertThat(PlanWriter.toText(plan))
                .contains("  prune   mirror/app@" + moved.old().digest()
                        + "  left over: it has not belonged to latest since");
        assertThat(PlanWriter.toJson(plan))
                .contains("\"prune\":[\"mirror/app@" + moved.signature().digest())
                .contains("\"pruning\":[{\"repository\":\"mirror/app\",\"reference\":\""
                        + moved.signature().digest() + "\",\"action\":\"delete\",\"reason\":\"left over");
    }

    // Repositories that are gone

    private void twoRepositories() throws IOException {
        rules.repositories = List.of(NamePattern.parse("*"));
        shapes.tag("v1", shapes.image("stays"));
        Shapes other = new Shapes(source.repository("other"));
        Descriptor image = other.image("goes");
        other.referrer(image, "x/sig", "signature");
        other.tag("v1", image);
        complete();
        source.drop("other");
    }

    @Test
    void repositoryThatTheCatalogLacksIsPrunedAfterTheGraceTime() throws IOException {
        twoRepositories();
        complete();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        MemoryRepository there = target.repository("mirror/other");
        assertThat(there.tags).containsKey(new Tag("v1"));
        engine.clock.pass(Duration.ofDays(2));

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.name()).isEqualTo("mirror/other:v1");
            assertThat(step.reason()).startsWith("its repository is gone at the source since");
            assertThat(step.manifests()).hasSize(2);
        });
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);
        assertThat(there.tags).isEmpty();
        assertThat(mirror.tags).containsKey(new Tag("v1"));
    }

    @Test
    void catalogThatIsEmptyOrFailsPrunesNothing() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        source.drop("app");
        engine.run(rules);
        source.gate((index, request) -> {
            if (request.equals("GET catalog")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });
        engine.run(rules);

        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryThatTheCatalogLacksThoughTheSourceHasItIsNotPruned() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        MemoryRepository hidden = source.repository("other");
        new Shapes(hidden).tag("v1", new Shapes(hidden).image("goes"));
        List<RepositoryName> shown = List.of(app.repository().name());
        SourceRegistry listing = new SourceRegistry() {
            @Override
            public String name() {
                return source.asSource().name();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return source.asSource().repository(name);
            }

            @Override
            public List<RepositoryName> catalog() {
                return shown;
            }
        };
        rules.source = listing;
        engine.run(rules);
        assertThat(target.requests("DELETE")).isEmpty();

        hidden.tags.clear();
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason())
                        .contains("the source's catalog lacks other", "empty, which proves nothing"));
        source.gate((index, request) -> {
            if (request.contains("GET tags") && request.contains("other")) {
                throw new RefusedException(403, "DENIED", "not for you");
            }
        });
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason()).contains("does not say that it is gone"));
        source.gate((index, request) -> {
            if (request.contains("GET tags") && request.contains("other")) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "", "404 page not found");
            }
        });
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason()).contains("its 404 is not in the form of a registry"));
        engine.run(rules);
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryThatIsNamedIsNotPrunedBecauseTheCatalogLacksIt() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        rules.repositories = List.of(NamePattern.parse("a*"), NamePattern.parse("other"));
        engine.run(rules);

        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryWithMoreTagsThanTheShareIsNotPruned() throws IOException {
        twoRepositories();
        prune(10);
        complete();
        engine.clock.pass(PAST);

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("1 of 2 tags are gone"));
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void tagIsPrunedThoughItsRepositoryHasNoneLeftThatTheRuleSelects() throws IOException {
        rules.tags = named("v*");
        shapes.tag("v1", shapes.image("goes"));
        shapes.tag("latest", shapes.image("never copied"));
        complete();
        app.tags.remove(new Tag("v1"));
        engine.run(rules);
        engine.clock.pass(PAST);

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags).isEmpty();
    }
}
