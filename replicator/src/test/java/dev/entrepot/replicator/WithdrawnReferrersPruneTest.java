package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What prune makes of referrers that the source withdrew. Long, because each is one case over the same fixture. */
class WithdrawnReferrersPruneTest extends LeftoverFixture {
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
    void sourceIsAskedBeforeTheRepositoryIsClaimed() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        RepositoryClaims claims = new RepositoryClaims(Duration.ZERO);
        ReplicationRunner runner = runner(new SubjectLocks(), claims);
        run(runner);
        app.manifests.remove(sbom.digest());
        run(runner);
        engine.clock.pass(PAST);
        // The list is empty, so the source is asked for the manifest itself: last before it goes.
        List<Boolean> free = new ArrayList<>();
        source.gate((index, request) -> {
            if (request.contains(sbom.digest().toString())) {
                free.add(isFree(claims));
            }
        });
        run(runner);

        assertThat(free).endsWith(true);
        assertThat(mirror.manifests).doesNotContainKey(sbom.digest());
    }

    @Test
    void whatDependsOnAQuestionThatWasNotAskedStaysForTheNextRun() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        Tag attached = new Tag(Shapes.stem(image) + ".sbom");
        shapes.tag("v1", image);
        RepositoryClaims claims = new RepositoryClaims(Duration.ZERO);
        ReplicationRunner runner = runner(new SubjectLocks(), claims);
        run(runner);
        app.manifests.remove(sbom.digest());
        run(runner);
        engine.clock.pass(PAST);
        source.gate((index, request) -> {
            if (request.contains(sbom.digest().toString()) && isFree(claims)) {
                mirror.tags.put(attached, sbom.digest());
            }
        });
        run(runner);
        assertThat(mirror.manifests).containsKey(sbom.digest());
        assertThat(mirror.tags).containsKey(attached);

        run(runner);
        assertThat(mirror.manifests).doesNotContainKey(sbom.digest());
        assertThat(mirror.tags).doesNotContainKey(attached);
    }

    private boolean isFree(RepositoryClaims claims) {
        Optional<RepositoryClaims.Claim> claim =
                claims.pruning(target.asTarget().place(), new RepositoryName("mirror/app"));
        claim.ifPresent(RepositoryClaims.Claim::close);
        return claim.isPresent();
    }

    private ReplicationRunner runner(SubjectLocks locks, RepositoryClaims claims) {
        return new ReplicationRunner(new RunServices(
                engine.journal,
                locks,
                claims,
                new KnownHosts(Engine.NO_RETRIES, engine.clock.time()),
                new RuleLimits(engine.clock.time()),
                engine.clock.time(),
                Engine.NO_RETRIES,
                Duration.ofDays(1),
                Duration.ofSeconds(30)));
    }

    @Test
    void fallbackTagIsRewrittenUnderTheLockOfItsSubjectBeforeTheManifestGoes() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        SubjectLocks locks = new SubjectLocks();
        ReplicationRunner runner = runner(locks, new RepositoryClaims(Duration.ZERO));
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

        complete();

        assertThat(listed(mirror, withdrawn.image()))
                .containsExactlyInAnyOrder(
                        withdrawn.stays().digest(), withdrawn.sbom().digest());
        assertThat(Manifest.parse(mirror.find(withdrawn.image().digest().referrersTag())
                                .orElseThrow())
                        .manifests())
                .as("as it was listed")
                .containsExactlyInAnyOrderElementsOf(Manifest.parse(before).manifests());
        target.gate((index, request) -> {});
        engine.clock.pass(LeftoverPauses.MEMORY);
        asPlanned();
        assertThat(listed(mirror, withdrawn.image()))
                .containsExactly(withdrawn.stays().digest());
    }

    @Test
    void referrerIsListedAgainWhereNobodyKnowsWhetherItWasTakenOut() throws IOException {
        Withdrawn withdrawn = withdrawn();
        Tag fallback = withdrawn.image().digest().referrersTag();
        AtomicBoolean wrote = new AtomicBoolean();
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app " + fallback)) {
                wrote.set(true);
            } else if (request.equals("GET manifest mirror/app " + fallback) && wrote.compareAndSet(true, false)) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);

        assertThat(mirror.manifests).containsKey(withdrawn.sbom().digest());
        assertThat(listed(mirror, withdrawn.image()))
                .containsExactlyInAnyOrder(
                        withdrawn.stays().digest(), withdrawn.sbom().digest());
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
}
