package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a run does, behaviour by behaviour, between one source and one target in memory. Long, because all of it shares
 * that pair and its rules.
 */
class CopyBehaviourTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Rules rules() {
        return new Rules(source).to(target);
    }

    private static ItemReport only(ReplicationReport report) {
        assertThat(report.items()).hasSize(1);
        return report.items().getFirst();
    }

    private static String cause(ReplicationReport report) {
        return report.items().stream()
                .flatMap(item -> item.failure().stream())
                .findFirst()
                .orElseThrow()
                .cause();
    }

    // Conflicts

    private Digest conflict() {
        shapes.tag("v1", shapes.image("new"));
        Shapes there = new Shapes(mirror);
        Descriptor old = there.image("old");
        there.tag("v1", old);
        return old.digest();
    }

    @Test
    void conflictIsOverwrittenByDefault() throws IOException {
        conflict();
        assertThat(only(engine.run(rules())).state()).isEqualTo(ItemReport.State.COPIED);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void conflictMayBeKept() throws IOException {
        Digest old = conflict();
        Rules rules = rules();
        rules.onConflict = OnConflict.KEEP;

        ReplicationReport report = engine.run(rules);

        assertThat(only(report).state()).isEqualTo(ItemReport.State.SKIPPED);
        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.tags).containsEntry(new Tag("v1"), old);
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void conflictMayFail() throws IOException {
        Digest old = conflict();
        Rules rules = rules();
        rules.onConflict = OnConflict.FAIL;

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(cause(report)).contains(old.toString()).contains("target.test");
        assertThat(mirror.tags).containsEntry(new Tag("v1"), old);
    }

    @Test
    void conflictMayBeKeptUnderABackupTag() throws IOException {
        Digest old = conflict();
        Rules rules = rules();
        rules.onConflict = OnConflict.BACKUP;

        engine.run(rules);

        assertThat(mirror.tags).containsEntry(new Tag("v1-was-" + old.shortForm()), old);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        assertThat(target.requests("PUT").getLast()).isEqualTo("PUT manifest mirror/app v1");
    }

    // Immutable tags, required referrers

    // Somebody else writes the tag just before, and the registry lets none be written twice.
    private void refuseTheTagThatIsPutAt(Digest digest) {
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app v1")) {
                mirror.tags.put(new Tag("v1"), digest);
                throw new RefusedException(409, "TAG_IMMUTABLE", "the tag cannot be overwritten");
            }
        });
    }

    @Test
    void tagThatIsRefusedBecauseItIsRightAlreadyIsNoFailure() throws IOException {
        Descriptor image = shapes.image("new");
        shapes.tag("v1", image);
        refuseTheTagThatIsPutAt(image.digest());

        ReplicationReport report = engine.run(rules());

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        assertThat(only(engine.run(rules())).state()).isEqualTo(ItemReport.State.UP_TO_DATE);
    }

    @Test
    void tagThatIsRefusedBecauseItIsElsewhereFailsAndStays() throws IOException {
        Digest theirs = new Shapes(mirror).image("theirs").digest();
        shapes.tag("v1", shapes.image("new"));
        refuseTheTagThatIsPutAt(theirs);

        ReplicationReport report = engine.run(rules());

        assertThat(only(report).state()).isEqualTo(ItemReport.State.FAILED);
        assertThat(cause(report)).contains("the tag cannot be overwritten");
        assertThat(mirror.tags).containsEntry(new Tag("v1"), theirs);
    }

    @Test
    void immutableTagThatIsCompleteCostsNoRequestAtAll() throws IOException {
        shapes.tag("v1", shapes.image("amd64"));
        Rules rules = rules();
        rules.immutable = List.of(NamePattern.parse("v*"));
        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("v1")),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
        engine.run(rules);
        source.forgetRequests();
        target.forgetRequests();

        ReplicationReport report = engine.run(rules);

        assertThat(only(report).state()).isEqualTo(ItemReport.State.UP_TO_DATE);
        assertThat(source.requests()).isEmpty();
        assertThat(target.requests()).isEmpty();
    }

    @Test
    void tagWithoutARequiredReferrerIsNotCopied() throws IOException {
        Descriptor unsigned = shapes.image("unsigned");
        Descriptor signed = shapes.image("signed");
        Descriptor legacy = shapes.image("legacy");
        shapes.tag("unsigned", unsigned);
        shapes.tag("signed", signed);
        shapes.tag("legacy", legacy);
        shapes.referrer(signed, "application/vnd.dev.sigstore.bundle.v0.3+json", "bundle");
        shapes.tag(Shapes.stem(legacy) + ".sig", shapes.image("signature"));
        Rules rules = rules();
        rules.referrers = new ReferrersConfig(
                List.of(), List.of(), List.of(NamePattern.regex("cosign\\.sig|application/vnd\\.dev\\.sigstore\\..*")));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(mirror.tags.keySet())
                .contains(new Tag("signed"), new Tag("legacy"))
                .doesNotContain(new Tag("unsigned"));
        assertThat(cause(report)).contains("requires a referrer");
        assertThat(mirror.manifests).doesNotContainKey(unsigned.digest());
    }

    @Test
    void referrersThatARuleExceptsStayBehindWithAllThatRefersToThem() throws IOException {
        Descriptor image = shapes.image("app");
        Descriptor sbom = shapes.referrer(image, "application/spdx+json", "sbom");
        Descriptor ofTheSbom = shapes.referrer(sbom, "application/vnd.example.signature", "signature of the sbom");
        Descriptor signature = shapes.referrer(image, "application/vnd.cncf.notary.signature", "signature");
        Descriptor note = shapes.referrer(signature, "application/spdx+json", "sbom of the signature");
        shapes.tag("v1", image);
        Rules rules = rules();
        rules.referrers = new ReferrersConfig(List.of(), List.of(NamePattern.parse("application/spdx*")), List.of());

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(target.repository("mirror/app").manifests)
                .containsOnlyKeys(image.digest(), signature.digest())
                .doesNotContainKeys(sbom.digest(), ofTheSbom.digest(), note.digest());
    }

    @Test
    void whatIsRequiredIsLookedForAtTheSourceAndTravelsWhateverOnlyAndExceptSay() throws IOException {
        Descriptor signed = shapes.image("signed");
        Descriptor signature = shapes.referrer(signed, "application/vnd.cncf.notary.signature", "signature");
        Descriptor sbom = shapes.referrer(signed, "application/spdx+json", "sbom");
        Descriptor other = shapes.referrer(signed, "application/vnd.example.note", "note");
        shapes.tag("v1", signed);
        Rules rules = rules();
        rules.referrers = new ReferrersConfig(
                List.of(NamePattern.parse("application/spdx+json")),
                List.of(),
                List.of(NamePattern.parse("application/vnd.cncf.notary.signature")));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        MemoryRepository mirror = target.repository("mirror/app");
        assertThat(mirror.manifests)
                .containsKeys(signed.digest(), signature.digest(), sbom.digest())
                .doesNotContainKey(other.digest());

        rules.referrers = new ReferrersConfig(
                List.of(),
                List.of(NamePattern.parse("application/vnd.cncf.*")),
                List.of(NamePattern.parse("application/vnd.cncf.notary.signature")));
        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.manifests).containsKey(other.digest());
    }

    // Mounts

    private void twoRepositoriesWithASharedLayer() {
        shapes.tag("v1", shapes.image("one"));
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
    }

    @Test
    void sharedBlobIsPushedOnceAndMountedFromACommittedManifest() throws IOException {
        twoRepositoriesWithASharedLayer();
        Rules rules = rules();
        rules.repositories = List.of(NamePattern.parse("*"));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally().blobsMounted()).isEqualTo(1);
        assertThat(report.tally().blobsPushed()).isEqualTo(5);
        assertThat(source.requests("GET blob")).hasSize(5);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        Completeness.assertComplete(source.repository("other"), "v1", target, "mirror/other");
    }

    @Test
    void refusedMountIsPushedInstead() throws IOException {
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_MOUNT);
        twoRepositoriesWithASharedLayer();
        Rules rules = new Rules(source).to(strict);
        rules.repositories = List.of(NamePattern.parse("*"));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally().blobsMounted()).isZero();
        Completeness.assertComplete(source.repository("other"), "v1", strict, "mirror/other");
    }

    @Test
    void targetThatNeverMountsIsAskedThreeTimesOnly() throws IOException {
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_MOUNT);
        for (int i = 0; i < 8; i++) {
            Shapes in = new Shapes(source.repository("app" + i));
            in.tag("v1", in.image("image " + i));
        }
        Rules rules = new Rules(source).to(strict);
        rules.repositories = List.of(NamePattern.parse("app?"));
        rules.targets.set(0, new ReplicationRule.Placement(strict.asTarget(), name -> name, 1));

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(strict.requests("MOUNT").size()).isBetween(3, 7);

        strict.forgetRequests();
        Shapes in = new Shapes(source.repository("app9"));
        in.tag("v1", in.image("image 9"));
        engine.run(rules);
        assertThat(strict.requests("MOUNT")).hasSize(1);
    }

    @Test
    void laterRunMountsFromWhereTheJournalKnowsABlob() throws IOException {
        shapes.tag("v1", shapes.image("one"));
        engine.run(rules());
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
        Rules rules = rules();
        rules.repositories = List.of(NamePattern.parse("other"));

        assertThat(engine.run(rules).tally().blobsMounted()).isEqualTo(1);
    }

    @Test
    void locationThatTurnsOutWrongIsForgotten() throws IOException {
        shapes.tag("v1", shapes.image("one"));
        engine.run(rules());
        Digest shared = Digest.sha256("shared base".getBytes(StandardCharsets.UTF_8));
        mirror.manifests.clear();
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
        Rules rules = rules();
        rules.repositories = List.of(NamePattern.parse("other"));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally().blobsMounted()).isZero();
        engine.journal.flush(0);
        assertThat(engine.journal.content().blobLocations("target.test", shared))
                .extracting(Object::toString)
                .containsExactly("mirror/other");
    }

    // Sparse indexes

    private Descriptor twoPlatforms() {
        Descriptor root = shapes.index(
                List.of(on(shapes.image("amd64"), "linux/amd64"), on(shapes.image("arm64"), "linux/arm64")));
        shapes.tag("v1", root);
        return root;
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

    @Test
    void platformSubsetKeepsTheBytesOfTheIndex() throws IOException {
        Descriptor root = twoPlatforms();
        Rules rules = rules();
        rules.platforms = List.of(Platform.parse("linux/arm64"));

        engine.run(rules);

        assertThat(mirror.tags).containsEntry(new Tag("v1"), root.digest());
        assertThat(mirror.manifests).hasSize(2);
    }

    @Test
    void refusedSparseIndexIsAClearError() throws IOException {
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_SPARSE);
        twoPlatforms();
        Rules rules = new Rules(source).to(strict);
        rules.platforms = List.of(Platform.parse("linux/arm64"));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(cause(report)).contains("without 1 of its platforms").contains("on-sparse-refused");
        assertThat(strict.repository("mirror/app").tags).isEmpty();
    }

    @Test
    void refusedSparseIndexMayBeTrimmedAndStaysSettled() throws IOException {
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_SPARSE);
        Descriptor root = twoPlatforms();
        Rules rules = new Rules(source).to(strict);
        rules.platforms = List.of(Platform.parse("linux/arm64"));
        rules.onSparseRefused = OnSparseRefused.TRIM;

        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.COMPLETE);

        MemoryRepository there = strict.repository("mirror/app");
        ManifestBytes trimmed = there.find(new Tag("v1")).orElseThrow();
        assertThat(trimmed.digest()).isNotEqualTo(root.digest());
        assertThat(Manifest.parse(trimmed).manifests())
                .singleElement()
                .satisfies(child -> assertThat(child.platform()).contains(Platform.parse("linux/arm64")));
        strict.forgetRequests();
        assertThat(only(engine.run(rules)).state()).isEqualTo(ItemReport.State.UP_TO_DATE);
        assertThat(strict.requests("PUT")).isEmpty();
        engine.clock.pass(Duration.ofDays(2));
        assertThat(only(engine.run(rules)).state()).isEqualTo(ItemReport.State.UP_TO_DATE);
        assertThat(strict.requests("PUT")).isEmpty();
    }

    // What targets lose

    @Test
    void blobThatATargetLosesAfterHeadIsPushedAgainOnce() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        AtomicBoolean lost = new AtomicBoolean();
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app " + image.digest()) && lost.compareAndSet(false, true)) {
                mirror.blobs.clear();
            }
        });

        ReplicationReport report = engine.run(rules());

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(report.tally())
                .returns(3L, Tally::blobsPushed)
                .returns(3L, Tally::blobsRepaired)
                .returns(3L, Tally::repaired);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void targetThatKeepsLosingIsAnErrorThatNamesTheNode() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        target.gate((index, request) -> {
            if (request.startsWith("PUT manifest")) {
                mirror.blobs.clear();
            }
        });

        ReplicationReport report = engine.run(rules());

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(only(report).failure().orElseThrow().node())
                .isEqualTo(image.digest().toString());
        assertThat(mirror.tags).isEmpty();
    }

    @Test
    void nodeThatFailsKeepsBackWhatNeedsItAndNothingElse() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor root = shapes.index(List.of(amd, arm));
        Descriptor ofAmd = shapes.referrer(amd, "x/sbom", "sbom of amd64");
        Descriptor ofArm = shapes.referrer(arm, "x/sbom", "sbom of arm64");
        Descriptor ofRoot = shapes.referrer(root, "x/sig", "signature");
        shapes.tag("v1", root);
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app " + arm.digest())) {
                throw new RefusedException(413, "SIZE_INVALID", "too large");
            }
        });

        ReplicationReport report = engine.run(rules());

        assertThat(only(report).failure().orElseThrow().node())
                .isEqualTo(arm.digest().toString());
        assertThat(mirror.tags).isEmpty();
        assertThat(mirror.manifests).containsOnlyKeys(amd.digest(), ofAmd.digest());
        assertThat(target.requests("PUT manifest"))
                .noneMatch(request -> List.of(ofArm, root, ofRoot).stream()
                        .anyMatch(node -> request.contains(node.digest().toString())));

        target.gate((index, request) -> {});
        target.forgetRequests();
        engine.run(rules());

        Completeness.assertComplete(app, "v1", target, "mirror/app");
        assertThat(target.requests("PUT blob")).isEmpty();
        assertThat(target.requests("PUT manifest")).hasSize(5);
    }

    @Test
    void rootThatExistsIsNotTakenForAGraphThatExists() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor root = shapes.index(List.of(amd));
        shapes.tag("v1", root);
        MemoryRegistry lenient =
                new MemoryRegistry("lenient.test", new Abilities(true, false, true, true, true, false));
        MemoryRepository there = lenient.repository("mirror/app");
        there.pushManifest(Optional.ofNullable(app.manifests.get(root.digest())).orElseThrow(), new Tag("v1"));
        there.pushManifest(Optional.ofNullable(app.manifests.get(amd.digest())).orElseThrow(), amd.digest());

        ReplicationReport report = engine.run(new Rules(source).to(lenient));

        assertThat(report.tally().blobsPushed()).isEqualTo(3);
        assertThat(report.tally().manifestsPushed()).isZero();
        Completeness.assertComplete(app, "v1", lenient, "mirror/app");
    }

    @Test
    void deepVerificationReadsBackWhatWasThereBeforeAndReplacesWhatIsWrong() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        engine.run(rules());
        Digest shared = Digest.sha256("shared base".getBytes(StandardCharsets.UTF_8));
        mirror.blobs.put(shared, "SHARED BASE".getBytes(StandardCharsets.UTF_8));
        Rules rules = rules();
        rules.verify = Verify.DEEP;
        engine.clock.pass(Duration.ofDays(2));
        shapes.referrer(image, "x/sig", "signature");

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.blobs.get(shared)).asString().isEqualTo("shared base");
    }

    // Referrers

    @Test
    void fallbackTagKeepsWhatOthersWroteIntoIt() throws IOException {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        shapes.referrer(image, "x/ours", "ours");
        Shapes there = new Shapes(old.repository("mirror/app"));
        Descriptor theirs = there.referrer(image, "x/theirs", "theirs");

        engine.run(new Rules(source).to(old));

        ManifestBytes index =
                old.repository("mirror/app").find(image.digest().referrersTag()).orElseThrow();
        assertThat(Manifest.parse(index).manifests())
                .hasSize(2)
                .extracting(Descriptor::digest)
                .contains(theirs.digest());
    }

    @Test
    void fallbackTagThatAnotherProcessOverwritesIsMergedAgain() throws IOException {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        MemoryRepository there = old.repository("mirror/app");
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        shapes.referrer(image, "x/ours", "ours");
        Tag fallback = image.digest().referrersTag();
        ManifestBytes theirs = ManifestBytes.of(
                MediaType.OCI_INDEX,
                ("{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_INDEX + "\",\"manifests\":[{\"mediaType\":\""
                                + MediaType.OCI_MANIFEST + "\",\"size\":7,\"digest\":\"sha256:" + "5".repeat(64)
                                + "\"}]}")
                        .getBytes(StandardCharsets.UTF_8));
        AtomicInteger reads = new AtomicInteger();
        old.gate((index, request) -> {
            if (request.equals("GET manifest mirror/app " + fallback) && reads.incrementAndGet() == 2) {
                there.manifests.put(theirs.digest(), theirs);
                there.tags.put(fallback, theirs.digest());
            }
        });

        assertThat(engine.run(new Rules(source).to(old)).outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(Manifest.parse(there.find(fallback).orElseThrow()).manifests())
                .hasSize(2);
    }

    @Test
    void referrersOfOneSubjectHaveOneWriterAtATimeAlsoAcrossRules() throws Exception {
        Descriptor image = shapes.image("amd64");
        for (int i = 0; i < 12; i++) {
            shapes.referrer(image, "x/sbom" + i, "sbom " + i);
        }
        shapes.tag("v1", image);
        shapes.tag("v2", image);
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        List<String> referrers = app.manifests.values().stream()
                .filter(bytes -> !bytes.digest().equals(image.digest()))
                .map(bytes -> "PUT manifest mirror/app " + bytes.digest())
                .toList();
        AtomicInteger writers = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        old.gate((index, request) -> {
            boolean writes = referrers.contains(request)
                    || request.equals(
                            "PUT manifest mirror/app " + image.digest().referrersTag());
            if (writes) {
                most.accumulateAndGet(writers.incrementAndGet(), Math::max);
                for (int i = 0; i < 50; i++) {
                    Thread.yield();
                }
                writers.decrementAndGet();
            }
        });
        Rules first = new Rules(source).to(old);
        Rules second = new Rules(source).to(old);
        second.name = "second";
        Thread other = Thread.ofVirtual().start(() -> {
            try {
                engine.run(second);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        engine.run(first);
        other.join();

        assertThat(most.get()).isEqualTo(1);
        Completeness.assertComplete(app, "v1", old, "mirror/app");
        Completeness.assertComplete(app, "v2", old, "mirror/app");
    }

    // Several targets, partial failures

    @Test
    void deadTargetDoesNotKeepTheOtherFromCompleting() throws IOException {
        MemoryRegistry dead = new MemoryRegistry("dead.test", Abilities.ALL);
        dead.gate((index, request) -> {
            throw new OutageException(OutageException.Reason.UNREACHABLE, "dead.test does not answer");
        });
        shapes.tag("v1", shapes.image("amd64"));
        shapes.tag("v2", shapes.image("arm64"));

        ReplicationReport report = engine.run(new Rules(source).to(dead).to(target));

        assertThat(report.outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(report.targets()).extracting(summary -> summary.failed()).containsExactly(2L, 0L);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        Completeness.assertComplete(app, "v2", target, "mirror/app");
    }

    @Test
    void repositoryThatCannotBeListedIsReportedByItsNameAtTheTarget() throws IOException {
        source.gate((index, request) -> {
            throw new OutageException(OutageException.Reason.UNREACHABLE, "source.test does not answer");
        });

        ReplicationReport report = engine.run(rules());

        assertThat(report.items()).singleElement().satisfies(item -> {
            assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
            assertThat(item.source()).isEqualTo(new RepositoryName("app"));
            assertThat(item.name()).isEqualTo("mirror/app:*");
        });
    }

    @Test
    void slowTargetDelaysNoOther() throws IOException {
        MemoryRegistry slow = new MemoryRegistry("slow.test", Abilities.ALL);
        CountDownLatch otherDone = new CountDownLatch(1);
        slow.gate((index, request) -> {
            try {
                assertThat(otherDone.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        shapes.tag("v1", shapes.image("amd64"));
        ProgressListener listener = new ProgressListener() {
            @Override
            public void planned(String name, long images, long bytes) {}

            @Override
            public void moved(String name, long bytes) {}

            @Override
            public void finished(ItemReport item) {
                if (item.target().equals("target.test")) {
                    otherDone.countDown();
                }
            }
        };

        ReplicationReport report = engine.run(new Rules(source).to(slow).to(target), listener);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        Completeness.assertComplete(app, "v1", slow, "mirror/app");
    }

    @Test
    void discoveryErrorFailsThatTagAloneAndNamesTheNode() throws IOException {
        Descriptor good = shapes.image("good");
        Descriptor bad = shapes.image("bad");
        shapes.tag("good", good);
        shapes.tag("bad", shapes.index(List.of(bad)));
        source.gate((index, request) -> {
            if (request.equals("GET referrers app " + bad.digest())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });

        ReplicationReport report = engine.run(rules());

        assertThat(report.outcome()).isEqualTo(Outcome.PARTLY);
        ItemReport failed = report.items().stream()
                .filter(item -> item.state() == ItemReport.State.FAILED)
                .findFirst()
                .orElseThrow();
        assertThat(failed.tag()).isEqualTo("bad");
        assertThat(failed.failure().orElseThrow().node()).isEqualTo(bad.digest().toString());
        assertThat(failed.failure().orElseThrow().side()).isEqualTo(Side.SOURCE);
        assertThat(mirror.tags.keySet()).containsExactly(new Tag("good"));
    }

    @Test
    void repositoryThatCannotBeListedIsReportedAndTheOthersAreCopied() throws IOException {
        shapes.tag("v1", shapes.image("amd64"));
        Rules rules = rules();
        rules.repositories = List.of(NamePattern.parse("app"), NamePattern.parse("missing"));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(cause(report)).contains("source.test/missing");
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void tagThatMovesDuringTheRunIsNotTorn() throws IOException {
        Descriptor first = shapes.image("first");
        Descriptor second = shapes.image("second");
        shapes.tag("v1", first);
        source.gate((index, request) -> {
            if (request.equals("GET manifest app " + first.digest())) {
                shapes.tag("v1", second);
            }
        });

        engine.run(rules());

        assertThat(mirror.tags).containsEntry(new Tag("v1"), first.digest());
    }

    // Plans

    @Test
    void planEqualsWhatIsDoneAndChangesNothing() throws IOException {
        twoRepositoriesWithASharedLayer();
        shapes.referrer(shapes.image("one"), "x/sig", "signature");
        shapes.tag("v2", shapes.image("one"));
        Rules rules = rules();
        rules.repositories = List.of(NamePattern.parse("*"));

        ReplicationPlan plan = engine.runner.plan(rules.rule());

        assertThat(target.requests(line -> !line.startsWith("HEAD") && !line.startsWith("GET")))
                .isEmpty();
        ReplicationPlan.TargetPlan planned = plan.targets().getFirst();
        Tally done = engine.run(rules).tally();
        assertThat(done.blobsPushed()).isEqualTo(sum(planned, false, ImagePlan.Step.PUSH));
        assertThat(done.blobsMounted()).isEqualTo(sum(planned, false, ImagePlan.Step.MOUNT));
        assertThat(done.manifestsPushed()).isEqualTo(sum(planned, true, ImagePlan.Step.PUSH));
        assertThat(done.bytes())
                .isEqualTo(planned.blobBytes()
                        + planned.images().stream()
                                .mapToLong(ImagePlan::manifestBytes)
                                .sum());
        assertThat(done.tagsMoved())
                .isEqualTo(planned.images().stream()
                        .mapToLong(image -> image.tags().size())
                        .sum());
    }

    private static long sum(ReplicationPlan.TargetPlan plan, boolean manifests, ImagePlan.Step step) {
        return plan.images().stream()
                .mapToLong(image -> image.count(manifests, step))
                .sum();
    }

    @Test
    void oneImageIsCopiedByDigestToAnotherTag() throws Exception {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");

        ReplicationReport report = engine.runner.copy(
                rules().rule(), app.repository().name(), image.digest(), new Tag("chosen"), ProgressListener.NONE);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.tags).containsEntry(new Tag("chosen"), image.digest());
        assertThat(mirror.manifests).hasSize(2);
    }

    @Test
    void reportIsKeptWithItsItemsAndListedWithout() throws IOException {
        shapes.tag("v1", shapes.image("amd64"));
        ReplicationReport report = engine.run(rules());

        assertThat(engine.journal.runs().last(10)).singleElement().satisfies(run -> {
            assertThat(run.id()).isEqualTo(report.run());
            assertThat(run.outcome()).isEqualTo("complete");
            assertThat(run.summaryJson().orElseThrow())
                    .contains("\"targets\":[{")
                    .doesNotContain("\"items\"")
                    .isSubstringOf(ReportWriter.toJson(report).replace(",\"items\":[", "},"));
        });
        assertThat(engine.journal.runs().report(report.run()))
                .contains(ReportWriter.toJson(report))
                .get()
                .asString()
                .contains("\"state\":\"copied\"");
    }
}
