package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.json;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Referrers through a whole mirror, from an upstream with and from one without a referrers API. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReferrersEndToEndTest {
    private static final String NAME = "test/net-monitor";
    private static final String SIGNATURE = "application/vnd.example.signature";

    private final Corpus corpus = Corpus.netMonitor();
    private final TestRegistry able = TestRegistry.started(Abilities.DEFAULT);
    private final TestRegistry unable = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final Images images = new Images(6);
    private MirrorFixture mirror;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        corpus.loadInto(able, NAME, tag -> !Corpus.isFallbackTag(tag));
        corpus.loadInto(unable, NAME);
        mirror = MirrorFixture.started(folder, """
                default-upstream: able.test
                upstreams:
                  able.test: {url: "%s"}
                  unable.test: {url: "%s"}
                """.formatted(able.uri(), unable.uri()));
    }

    @AfterEach
    void clear() {
        able.faults().clear();
        unable.faults().clear();
        able.able(Abilities.DEFAULT);
    }

    @AfterAll
    void stop() {
        mirror.close();
        able.close();
        unable.close();
    }

    private HttpResponse<byte[]> referrers(String name, Digest subject) throws Exception {
        return mirror.get("/v2/" + name + "/referrers/" + subject);
    }

    private List<Descriptor> listed(String name, Digest subject) throws Exception {
        HttpResponse<byte[]> answer = referrers(name, subject);
        assertThat(answer.statusCode()).isEqualTo(200);
        return DescriptorJson.readIndex(answer.body());
    }

    private static List<Digest> digests(List<Descriptor> descriptors) {
        return descriptors.stream().map(Descriptor::digest).toList();
    }

    /** Everything below a subject: each line is a path of referrers, so that its length is its depth. */
    private void tree(String name, String above, Digest subject, Map<String, Descriptor> found) throws Exception {
        for (Descriptor referrer : listed(name, subject)) {
            String line = above + "/" + referrer.digest().encoded().substring(0, 12);
            found.put(line, referrer);
            tree(name, line, referrer.digest(), found);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"able.test", "unable.test"})
    void wholeTreeOfTheCorpusIsListedThreeLevelsDeep(String upstream) throws Exception {
        Map<String, Descriptor> found = new TreeMap<>();
        tree(upstream + "/" + NAME, "v1", corpus.digest("v1"), found);
        assertThat(found.keySet())
                .containsExactlyInAnyOrder(
                        "v1/1997f64c8f2e",
                        "v1/6fec683e387f",
                        "v1/3182ae49a64d",
                        "v1/254db35630b3",
                        "v1/254db35630b3/c7126ca94b2a",
                        "v1/d07198806084");
        for (Descriptor referrer : found.values()) {
            Manifest manifest =
                    Manifest.parse(Objects.requireNonNull(corpus.manifests().get(referrer.digest())));
            assertThat(referrer.artifactType()).isEqualTo(manifest.artifactType());
            assertThat(referrer.artifactType()).isPresent();
            assertThat(referrer.annotations()).isEqualTo(manifest.annotations());
            assertThat(mirror.get("/v2/" + upstream + "/" + NAME + "/manifests/" + referrer.digest())
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    /** cosign and others leave them out of the fallback tag. */
    @Test
    void artifactTypeAndAnnotationsAreRecomputedWhereTheFallbackTagLacksThem() throws Exception {
        Bundle image = unable.push("recomputed", images.image(10), "1");
        Bundle referrer =
                unable.push("recomputed", images.referrer(image.descriptor(), SIGNATURE, Map.of("key", "value")));
        Bundle bare = referrer.describedAs(referrer.root().descriptor());
        String tag = image.digest().referrersTag().value();
        unable.push("recomputed", images.fallbackIndex(List.of(bare)), tag);
        assertThat(listed("unable.test/recomputed", image.digest()))
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.digest()).isEqualTo(referrer.digest());
                    assertThat(entry.artifactType()).contains(SIGNATURE);
                    assertThat(entry.annotations()).containsEntry("key", "value");
                });
    }

    /** The subject itself is never served, but what refers to it has digests that can be compared. */
    @Test
    void subjectWhoseOwnDigestCannotBeVerifiedHereIsAskedForAtTheUpstream() throws Exception {
        Digest subject = Digest.parse("blake3:" + "1".repeat(64));
        Descriptor signed = Descriptor.of(MediaType.OCI_MANIFEST, subject, 10);
        Bundle referrer = images.referrer(signed, SIGNATURE, Map.of("key", "value"));
        able.push("strange", referrer);
        unable.push("strange", referrer);
        unable.push(
                "strange",
                images.fallbackIndex(List.of(referrer)),
                subject.referrersTag().value());
        for (String upstream : List.of("able.test/", "unable.test/")) {
            assertThat(digests(listed(upstream + "strange", subject))).containsExactly(referrer.digest());
            assertThat(mirror.get("/v2/" + upstream + "strange/manifests/" + subject)
                            .statusCode())
                    .isEqualTo(404);
        }
    }

    /** That the upstream has no digests of that kind is no list. */
    @Test
    void upstreamThatRefusesTheDigestOfASubjectGivesNoEmptyList() throws Exception {
        able.push("refusing", images.image(10), "1");
        able.faults().always(Requests.referrers(), Fault.error(400, "DIGEST_INVALID"));
        HttpResponse<byte[]> answer = referrers("able.test/refusing", Digest.parse("blake3:" + "2".repeat(64)));
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(code(answer)).isEqualTo("MANIFEST_UNKNOWN");
    }

    @ParameterizedTest
    @ValueSource(strings = {"able.test", "unable.test"})
    void filterIsAppliedAndSaidToBe(String upstream) throws Exception {
        String all = "/v2/" + upstream + "/" + NAME + "/referrers/" + corpus.digest("v1");
        HttpResponse<byte[]> filtered = mirror.get(all + "?artifactType=application/vnd.cyclonedx%2Bjson");
        assertThat(header(filtered, "OCI-Filters-Applied")).isEqualTo("artifactType");
        assertThat(DescriptorJson.readIndex(filtered.body()))
                .singleElement()
                .satisfies(entry -> assertThat(entry.digest().encoded()).startsWith("254db35630b3"));
        HttpResponse<byte[]> none = mirror.get(all + "?artifactType=application/vnd.nobody.has");
        assertThat(DescriptorJson.readIndex(none.body())).isEmpty();
        assertThat(header(none, "OCI-Filters-Applied")).isEqualTo("artifactType");
        HttpResponse<byte[]> both = mirror.get(all
                + "?artifactType=application/vnd.cncf.notary.signature&artifactType=application/vnd.in-toto%2Bjson");
        assertThat(DescriptorJson.readIndex(both.body())).hasSize(3);
        assertThat(mirror.get(all).headers().firstValue("OCI-Filters-Applied")).isEmpty();
    }

    @Test
    void pagesOfTheUpstreamBecomeOnePage() throws Exception {
        able.able(Abilities.DEFAULT.withReferrersPage(2));
        Bundle image = able.push("paged", images.image(10), "1");
        for (int i = 0; i < 7; i++) {
            able.push("paged", images.referrer(image, SIGNATURE));
        }
        HttpResponse<byte[]> answer = referrers("able.test/paged", image.digest());
        assertThat(DescriptorJson.readIndex(answer.body())).hasSize(7);
        assertThat(answer.headers().firstValue("Link")).isEmpty();
        assertThat(able.calls().count(Requests.repository("paged").and(Requests.referrers())))
                .isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"able", "unable"})
    void outageServesWhatIsKeptAndAnErrorForWhatIsNotAndNeverAnEmptyList(String which) throws Exception {
        TestRegistry registry = which.equals("able") ? able : unable;
        String name = which + ".test/outage";
        Bundle image = registry.push("outage", images.image(10), "1");
        Bundle other = registry.push("outage", images.image(10), "2");
        for (Bundle subject : List.of(image, other)) {
            Bundle referrer = registry.push("outage", images.referrer(subject, SIGNATURE));
            String tag = subject.digest().referrersTag().value();
            registry.push("outage", images.fallbackIndex(List.of(referrer)), tag);
        }
        List<Digest> before = digests(listed(name, image.digest()));
        assertThat(before).hasSize(1);
        mirror.advance(Duration.ofHours(1));
        registry.faults().always(Requests.repository("outage"), Fault.error(503, "UNAVAILABLE"));

        HttpResponse<byte[]> stale = referrers(name, image.digest());
        assertThat(digests(DescriptorJson.readIndex(stale.body()))).isEqualTo(before);
        assertThat(verdict(stale)).isEqualTo("stale");
        assertThat(header(stale, "Warning")).startsWith("299 - \"stale: ");
        assertThat(referrers(name, other.digest()).statusCode()).isEqualTo(502);

        registry.faults().clear();
        assertThat(listed(name, other.digest())).hasSize(1);
    }

    /** Where a referrer that is listed cannot be read, the list would be short: that is an error, not a list. */
    @Test
    void outageInTheMiddleOfRecomputingIsNotAShorterList() throws Exception {
        Bundle image = unable.push("middle", images.image(10), "1");
        Bundle referrer = unable.push("middle", images.referrer(image, SIGNATURE));
        String tag = image.digest().referrersTag().value();
        unable.push(
                "middle",
                images.fallbackIndex(
                        List.of(referrer.describedAs(referrer.root().descriptor()))),
                tag);
        unable.faults().always(Requests.manifest(referrer.digest()), Fault.error(500, "UNKNOWN"));
        assertThat(referrers("unable.test/middle", image.digest()).statusCode()).isEqualTo(502);
        unable.faults().clear();
        assertThat(listed("unable.test/middle", image.digest())).hasSize(1);
    }

    @Test
    void signatureThatArrivesLaterIsSeenSoon() throws Exception {
        Bundle image = able.push("later", images.image(10), "1");
        assertThat(listed("able.test/later", image.digest())).isEmpty();
        Bundle signature = able.push("later", images.referrer(image, SIGNATURE));
        mirror.advance(Duration.ofMinutes(2));
        assertThat(digests(listed("able.test/later", image.digest()))).containsExactly(signature.digest());
    }

    /** Clients find out once per repository whether there is an API, and take the other answer for an error later. */
    @Test
    void repositoryWithFallbackTagsShowsAnApiForEverySubject() throws Exception {
        Digest nothing = Digest.parse("sha256:" + "0".repeat(64));
        assertThat(listed("unable.test/" + NAME, nothing)).isEmpty();
        assertThat(listed("unable.test/" + NAME, corpus.digest("v1"))).hasSize(5);
        assertThat(listed("unable.test/" + NAME, corpus.digest("v1-amd64"))).isEmpty();
    }

    @Test
    void repositoryWithoutFallbackTagsShowsNoApiSoThatClientsTryTheTagThemselves() throws Exception {
        Bundle image = unable.push("bare", images.image(10), "1");
        for (String subject : List.of(image.digest().toString(), "sha256:" + "0".repeat(64))) {
            HttpResponse<byte[]> answer = mirror.get("/v2/unable.test/bare/referrers/" + subject);
            assertThat(answer.statusCode()).isEqualTo(404);
            assertThat(code(answer)).isEqualTo("MANIFEST_UNKNOWN");
        }
        String tag = image.digest().referrersTag().value();
        assertThat(mirror.get("/v2/unable.test/bare/manifests/" + tag).statusCode())
                .isEqualTo(404);
    }

    @Test
    void fallbackTagsAndCosignTagsAreManifestsLikeAnyOther() throws Exception {
        List<String> tags = corpus.tags().keySet().stream()
                .map(Object::toString)
                .filter(tag -> tag.startsWith("sha256-"))
                .toList();
        assertThat(tags).hasSize(4);
        for (String tag : tags) {
            HttpResponse<byte[]> answer = mirror.get("/v2/unable.test/" + NAME + "/manifests/" + tag);
            assertThat(Digest.sha256(answer.body())).isEqualTo(corpus.digest(tag));
        }
        assertThat(json(mirror.get("/v2/unable.test/" + NAME + "/tags/list"))
                        .path("tags")
                        .valueStream()
                        .map(node -> node.stringValue(""))
                        .collect(Collectors.toSet()))
                .containsAll(tags);
    }
}
