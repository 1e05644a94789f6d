package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The commands of replication from end to end: a source and two targets of different abilities, over real sockets.
 * Long, because all commands share these registries and one data folder.
 */
class ReplicationCommandsTest {
    private static final String REPOSITORY = "mcr/net-monitor";
    private static final String MIRRORED = "mirror/mcr/net-monitor";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry able = TestRegistry.started();
    private final TestRegistry old = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final Corpus corpus = Corpus.netMonitor();
    private final Digest root = corpus.digest("v1");
    private final Replicas replicas = Replicas.of(corpus);
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
        commands = new CommandRunner(folder);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}
                cache: {directory: ./data}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  rules:
                    - name: to-regions
                      source: registry.test
                      repositories: ["mcr/*"]
                      tags: ["v?"]
                      targets: [{url: "%s", prefix: mirror}, {url: "%s", prefix: mirror}]
                """.formatted(source.uri(), able.uri(), old.uri()));
    }

    @AfterEach
    void close() {
        source.close();
        able.close();
        old.close();
    }

    private void loadCorpus() {
        corpus.loadInto(source, REPOSITORY, tag -> !Corpus.isFallbackTag(tag));
    }

    /** A small image with a signature, where what it consists of does not matter. */
    private Bundle loadSmall() {
        Images images = new Images(3);
        Bundle image = source.push(REPOSITORY, images.image(3000, 500), "v1");
        source.tag(REPOSITORY, "latest", image.digest());
        source.push(REPOSITORY, images.referrer(image, "application/vnd.test.signature"));
        return image;
    }

    private void assertCompleteAtBoth() throws IOException {
        replicas.assertComplete(able, true, MIRRORED, "v1", root);
        replicas.assertComplete(old, false, MIRRORED, "v1", root);
    }

    @Test
    void wholeTreeArrivesAtBothTargetsAndEachBlobIsReadFromTheSourceOnce() throws IOException {
        loadCorpus();
        Result result = commands.run("sync", "to-regions");

        assertThat(result).returns(0, Result::code).satisfies(ReplicationCommandsTest::complainsOfNothing);
        assertThat(result.out())
                .startsWith("run 1 of to-regions: complete in ")
                .contains("(command)\n")
                .contains("  copied  " + able.host() + "/" + MIRRORED + ":v1  ")
                .contains(old.host() + ": 1 copied, 0 up to date, 0 skipped, 0 pruned, 0 failed; ");
        assertCompleteAtBoth();
        for (Digest blob : corpus.blobs().keySet()) {
            assertThat(source.calls().gets(blob)).as("GETs of " + blob).isLessThanOrEqualTo(1);
        }
    }

    // A run that takes long on a busy machine tells how far it is.
    private static void complainsOfNothing(Result result) {
        assertThat(result.err().lines()).allMatch(line -> line.contains(" images, "));
    }

    @Test
    void deepVerificationBringsBackWhatATargetHasLost() throws IOException {
        Bundle image = loadSmall();
        commands.run("sync", "to-regions");
        able.removeManifest(MIRRORED, image.digest());
        able.removeBlob(MIRRORED, image.blobs().keySet().iterator().next());
        assertThat(commands.run("sync", "to-regions", "--verify", "deep").code())
                .isZero();

        assertThat(able.manifests(MIRRORED)).contains(image.digest());
        assertThat(able.blobs(MIRRORED)).containsAll(image.blobs().keySet());
        assertThat(commands.run("sync", "to-regions", "--verify", "all").code()).isEqualTo(2);
    }

    @Test
    void planOfADeepVerificationSaysWhatThatThenSends() throws IOException {
        Bundle image = loadSmall();
        commands.run("sync", "to-regions");
        Digest lost = image.blobs().keySet().iterator().next();
        able.removeBlob(MIRRORED, lost);

        String believing = commands.run("plan", "to-regions").out();
        Result deep = commands.run("plan", "to-regions", "--verify", "deep");

        assertThat(believing).contains(" 0 to copy").doesNotContain(" 1 to copy");
        assertThat(deep.code()).isZero();
        assertThat(deep.out()).contains(" in 1 blobs, 0 mounted, 0 manifests\n").contains(" 1 to copy");
        assertThat(able.blobs(MIRRORED)).as("planned only").doesNotContain(lost);
        assertThat(commands.run("sync", "to-regions", "--verify", "deep").out())
                .contains(" in 1 blobs and 0 manifests, ");
        assertThat(commands.run("plan", "to-regions", "--verify", "deep").out()).doesNotContain(" 1 to copy");
        assertThat(commands.run("plan", "to-regions", "--verify", "all").code()).isEqualTo(2);
    }

    @Test
    void secondRunMovesNothing() throws IOException {
        loadSmall();
        commands.run("sync", "to-regions");
        source.calls().clear();
        able.calls().clear();

        Result second = commands.run("sync", "to-regions");

        assertThat(second.code()).isZero();
        assertThat(second.out())
                .contains(able.host() + ": 0 copied, 1 up to date, 0 skipped, 0 pruned, 0 failed; 0 B in 0 blobs");
        assertThat(source.requests(Requests.blobs())).isEmpty();
        assertThat(source.requests(Requests.get().and(Requests.manifests()))).isEmpty();
        assertThat(source.requests(Requests.tags())).hasSizeLessThanOrEqualTo(1);
        assertThat(able.requests(request ->
                        !request.method().equals("GET") && !request.method().equals("HEAD")))
                .isEmpty();
    }

    @Test
    void lateReferrerArrivesAlone() throws IOException {
        loadCorpus();
        commands.run("sync", "to-regions");
        Images images = new Images(5);
        Bundle signature = images.referrer(corpus.tags().get(new Tag("v1")), "application/vnd.late", Map.of());
        source.push(REPOSITORY, signature);
        able.calls().clear();
        old.calls().clear();

        assertThat(commands.run("sync", "to-regions").code()).isZero();

        assertThat(able.manifests(MIRRORED)).contains(signature.digest());
        Replicas.of(List.of(signature)).assertComplete(old, false, MIRRORED, "v1", root);
        assertThat(written(able)).containsExactly("/v2/" + MIRRORED + "/manifests/" + signature.digest());
        assertCompleteAtBoth();
    }

    private static List<String> written(TestRegistry registry) {
        return registry.requests(Requests.method("PUT").and(Requests.manifests())).stream()
                .map(RecordedCall::request)
                .map(request -> request.path())
                .toList();
    }

    @Test
    void planIsWhatIsDone() throws IOException {
        loadSmall();
        Result planned = commands.run("plan", "to-regions", "--json");
        assertThat(planned.code()).isZero();
        assertThat(able.requests(request ->
                        !request.method().equals("GET") && !request.method().equals("HEAD")))
                .isEmpty();
        JsonNode target =
                OciJson.mapper().readTree(planned.out()).path("targets").path(0);
        assertThat(target.path("target").asString()).isEqualTo(able.host().value());
        List<String> pushes = target.path("images")
                .path(0)
                .path("nodes")
                .valueStream()
                .filter(node -> node.path("step").asString().equals("push"))
                .map(node -> node.path("digest").asString())
                .toList();

        JsonNode report = OciJson.mapper()
                .readTree(commands.run("sync", "to-regions", "--json").out());

        JsonNode done = report.path("targets").path(0).path("done");
        assertThat(done.path("manifestsPushed").asLong()
                        + done.path("blobsPushed").asLong())
                .isEqualTo(pushes.size());
        assertThat(able.manifests(MIRRORED).stream().map(Digest::toString)).isSubsetOf(pushes);
        assertThat(able.blobs(MIRRORED).stream().map(Digest::toString)).isSubsetOf(pushes);
        assertThat(commands.run("plan", "to-regions").out()).contains("0 to copy, 1 up to date");
    }

    @Test
    void newestByTimeAndYoungerThanOfAConfigurationGoByWhenImagesWereCreated() throws IOException {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(
                file,
                Files.readString(file)
                        .replace(
                                "tags: [\"v?\"]",
                                "tags: {include: [\"v?\"], newest: {count: 4, by: time}, younger-than: 30d, always: [keep]}"));
        Images images = new Images(11);
        Instant now = Instant.now();
        Map<String, Integer> ages = Map.of("v9", 60, "v2", 40, "v3", 20, "v5", 10, "v1", 1, "keep", 300, "other", 1);
        ages.forEach((tag, days) -> source.push(REPOSITORY, images.imageOf(now.minus(Duration.ofDays(days))), tag));

        JsonNode plan = OciJson.mapper()
                .readTree(commands.run("plan", "to-regions", "--json").out());
        assertThat(commands.run("sync", "to-regions").code()).isZero();

        assertThat(able.tags(MIRRORED)).extracting(Tag::value).containsExactlyInAnyOrder("v1", "v3", "v5", "keep");
        assertThat(old.tags(MIRRORED)).extracting(Tag::value).containsExactlyInAnyOrder("v1", "v3", "v5", "keep");
        assertThat(plan.path("tags")
                        .valueStream()
                        .map(tag -> tag.path("tag").asString() + " "
                                + tag.path("kept").asBoolean() + " "
                                + tag.path("condition").asString()))
                .containsExactlyInAnyOrder(
                        "v9 false newest",
                        "v2 false younger-than",
                        "v3 true include",
                        "v5 true include",
                        "v1 true include",
                        "keep true always",
                        "other false include");
    }

    @Test
    void planForecastsWhatTheRunReadsOfTheSource() throws IOException {
        loadSmall();
        // There is no data folder yet, and a plan makes none: the run reads the manifests again.
        assertForecastIsRight(2);
        source.push(REPOSITORY, new Images(9).image(700), "v2");
        assertForecastIsRight(0);
    }

    private void assertForecastIsRight(int pulls) {
        JsonNode forecast = OciJson.mapper()
                .readTree(commands.run("plan", "to-regions", "--json").out())
                .path("forecast");
        source.calls().clear();

        assertThat(commands.run("sync", "to-regions").code()).isZero();

        assertThat(forecast.path("pulls").asInt(-1)).isEqualTo(pulls);
        assertThat(source.requests(Requests.get().and(Requests.manifests()))).hasSize(pulls);
        assertThat(forecast.path("blobs").asInt()).isPositive();
        assertThat(source.requests(Requests.get().and(Requests.blobs())))
                .hasSize(forecast.path("blobs").asInt());
    }

    @Test
    void planSaysInWordsWhatAndWhy() {
        loadSmall();
        assertThat(commands.run("plan", "to-regions").out())
                .startsWith("plan of to-regions from registry.test\n")
                .contains("dropped mcr/net-monitor:latest  include: matches none of [v?]")
                .contains(able.host() + "\n  copy    mirror/mcr/net-monitor:v1  ")
                .contains("1 to copy, 0 up to date, 0 to skip, 0 cannot be copied; ");
    }

    @Test
    void oneOfTwoTargetsDownIsPartlyAndAllDownIsFailed() throws IOException {
        Bundle image = loadSmall();
        old.open(new Access.Basic("nobody", "knows"));
        Result partly = commands.run("sync", "to-regions");
        assertThat(partly.code()).isEqualTo(3);
        assertThat(partly.out()).contains("run 1 of to-regions: partly", "FAILED  " + old.host() + "/mirror/mcr/");
        assertThat(able.resolve(MIRRORED, "v1")).contains(image.digest());
        assertThat(old.tags(MIRRORED)).isEmpty();

        source.open(new Access.Basic("nobody", "knows"));
        assertThat(commands.run("sync", "to-regions").code()).isEqualTo(1);
    }

    @Test
    void runsAreListedAndShownAgain() {
        loadSmall();
        assertThat(commands.run("runs").out()).isEqualTo("no runs yet\n");
        String report = commands.run("sync", "to-regions").out();
        commands.run("sync", "to-regions");

        assertThat(commands.run("runs").out().lines())
                .hasSize(2)
                .first()
                .asString()
                .startsWith("     2  ")
                .contains("  complete     to-regions  (command); ", ": 0 copied, 1 up to date, 0 failed");
        assertThat(commands.run("runs", "1").out()).isEqualTo(report);
        JsonNode first =
                OciJson.mapper().readTree(commands.run("runs", "1", "--json").out());
        assertThat(first.path("report").path("items").size()).isEqualTo(2);
        assertThat(OciJson.mapper()
                        .readTree(commands.run("runs", "--json").out())
                        .size())
                .isEqualTo(2);
        assertThat(commands.run("runs", "7")).returns(2, Result::code);
    }

    @Test
    void treeShowsTheWholeGraphAndNeedsNoStore() {
        loadCorpus();
        Result tree = commands.run("tree", "registry.test/" + REPOSITORY + ":v1");
        assertThat(tree.code()).isZero();
        assertThat(tree.out())
                .startsWith(root + " application/vnd.oci.image.index.v1+json 491\n  child sha256:568385e7f836")
                .contains(
                        "\n  referrer ",
                        "application/vnd.cyclonedx+json 735\n",
                        "\n    referrer sha256:c7126ca94b2a",
                        "  tag sha256-")
                .endsWith(" bytes\n");
        JsonNode json = OciJson.mapper()
                .readTree(commands.run("tree", source.uri() + "/" + REPOSITORY + ":v1", "--json")
                        .out());
        assertThat(json.path("root").asString()).isEqualTo(root.toString());
        assertThat(json.path("manifests").size()).isEqualTo(replicas.manifestCount());
        assertThat(folder.resolve("data")).doesNotExist();
        assertThat(commands.run("tree", "registry.test/nothing:v1").code()).isEqualTo(1);
    }

    @Test
    void treeOfSomePlatformsShowsWhatIsThereAndSaysWhatIsNot() {
        Images images = new Images(5);
        Bundle amd = images.image(3000);
        Bundle arm = images.image(4000);
        Bundle index = source.push(REPOSITORY, images.indexOf(List.of(amd, arm)), "v1");
        Bundle signature = source.push(REPOSITORY, images.referrer(index, "application/vnd.test.signature"));
        source.removeManifest(REPOSITORY, arm.digest());

        Result tree = commands.run("tree", "registry.test/" + REPOSITORY + ":v1");

        assertThat(tree.code()).isEqualTo(3);
        assertThat(tree.out())
                .contains("\n  child " + amd.digest() + " ", "\n  referrer " + signature.digest() + " ")
                .containsPattern("\n  omitted " + arm.digest() + " \\S+ \\d+ \\(not there\\)\n")
                .containsOnlyOnce("(not there)");
        assertThat(tree.err())
                .isEqualTo("entrepot: of what the indexes of registry.test/" + REPOSITORY
                        + ":v1 name, 1 manifest is not there;"
                        + " if some platforms were copied on purpose, it is meant to be so\n");
        Result json = commands.run("tree", source.uri() + "/" + REPOSITORY + ":v1", "--json");
        assertThat(json.code()).isEqualTo(3);
        assertThat(OciJson.mapper().readTree(json.out()).findValue("omitted").toString())
                .isEqualTo("[\"" + arm.digest() + "\"]");
        source.removeManifest(REPOSITORY, index.digest());
        assertThat(commands.run("tree", "registry.test/" + REPOSITORY + ":v1").code())
                .isEqualTo(1);
    }

    @Test
    void treeOfAnUnknownRegistrySaysHowItIsKnownOrMadeKnown() throws IOException {
        loadSmall();
        String name = source.host() + "/" + REPOSITORY + ":v1";

        Result atTheAddress = commands.run("tree", name);
        assertThat(atTheAddress.code()).isEqualTo(2);
        assertThat(atTheAddress.err())
                .contains("no registry is called " + source.host() + " in the configuration; ")
                .contains("; the upstream there is called registry.test, so write registry.test/" + REPOSITORY
                        + ":v1; else write where it is, https:// (or http://) and " + name + ", or ");
        assertThat(commands.run("tree", "regsitry.test/" + REPOSITORY + ":v1").err())
                .contains("; did you mean registry.test/" + REPOSITORY + ":v1? Else write where it is");

        String yaml = atTheAddress
                .err()
                .substring(atTheAddress.err().indexOf("upstreams: "))
                .replace("https://", "http://");
        Files.writeString(folder.resolve("other.yaml"), yaml);
        assertThat(commands.run(
                        "tree", name, "--config", folder.resolve("other.yaml").toString()))
                .returns(0, Result::code);
    }

    @Test
    void oneImageIsCopiedWithoutARule() throws IOException {
        loadCorpus();
        String target = old.uri() + "/elsewhere/monitor:one";
        Result copy = commands.run("copy", "registry.test/" + REPOSITORY + ":v1", target);
        assertThat(copy.code()).isZero();
        assertThat(copy.out()).contains("copied  " + old.host() + "/elsewhere/monitor:one");
        replicas.assertComplete(old, false, "elsewhere/monitor", "one", root);
        // The source of this one is a registry that is not an upstream; the digest wins, and the tag is the target's.
        String back = old.uri() + "/elsewhere/monitor@" + root;
        assertThat(commands.run("copy", back, able.host() + "/again:two").code())
                .isZero();
        replicas.assertComplete(able, true, "again", "two", root);
    }

    @Test
    void whatIsReadFromAnAddressStopsBeforeItsQuotaIsRefused() {
        old.push("team/app", new Images(4).image(300, 50), "v1");
        old.quota(1);
        String image = old.uri() + "/team/app:v1";
        assertThat(commands.run("tree", image)).returns(0, Result::code);

        Result copy = commands.run("copy", image, able.uri() + "/elsewhere:one");
        Result tree = commands.run("tree", image);

        assertThat(copy).returns(ExitCodes.FAILURE, Result::code);
        assertThat(copy.out()).contains("none of 1 pulls is left");
        assertThat(tree.code()).isNotZero();
        assertThat(tree.err()).contains("none of 1 pulls is left");
        assertThat(old.requests(Requests.get().and(Requests.manifests()))).hasSize(1);
    }

    @Test
    void oneImageGoesIntoLayoutsAndOutOfThemAgain() throws IOException {
        loadCorpus();
        String image = "registry.test/" + REPOSITORY + ":v1";
        Result into = commands.run("copy", image, "layout:export/images");
        assertThat(into).returns(0, Result::code).satisfies(ReplicationCommandsTest::complainsOfNothing);
        assertThat(into.out()).contains("copied  " + folder.resolve("export/images") + "/" + REPOSITORY + ":v1");
        assertThat(Files.readString(folder.resolve("export/images/index.json")))
                .contains("\"org.opencontainers.image.ref.name\":\"v1\"", root.toString());
        String tar = folder.resolve("a.tar").toString();
        assertThat(commands.run("copy", "layout:export/images:v1", "layout:" + tar + ":team/app:one")
                        .code())
                .isZero();

        assertThat(commands.run("copy", "layout:a.tar:one", old.uri() + "/by/tag")
                        .code())
                .isZero();
        assertThat(commands.run("copy", "layout:a.tar@" + root, able.uri() + "/by/digest:two")
                        .code())
                .isZero();

        replicas.assertComplete(old, false, "by/tag", "one", root);
        replicas.assertComplete(able, true, "by/digest", "two", root);
        assertThat(folder.resolve(".a.tar.parts")).doesNotExist();
    }

    @Test
    void layoutsThatDoNotSayWhichImageIsMeantAreWrongUsage() throws IOException {
        Bundle small = loadSmall();
        String image = "registry.test/" + REPOSITORY + ":v1";
        commands.run("copy", image, "layout:images:one/app:v1");
        commands.run("copy", image, "layout:images:two/app:v1");
        String target = old.uri() + "/app";

        assertThat(commands.run("copy", "layout:images:v1", target))
                .returns(2, Result::code)
                .satisfies(
                        result -> assertThat(result.err())
                                .endsWith(
                                        "has several repositories: one/app, two/app; say which one: layout:PATH:REPOSITORY:TAG\n"));
        Digest digest = small.digest();
        assertThat(commands.run("copy", "layout:images:one/app:v1@" + digest, target + ":digest")
                        .code())
                .isZero();
        assertThat(commands.run("copy", "layout:images@" + digest, target + ":digest"))
                .returns(2, Result::code)
                .satisfies(result ->
                        assertThat(result.err()).endsWith("layout:PATH:REPOSITORY:TAG, with @DIGEST behind it\n"));
        Files.writeString(folder.resolve("images.tar.gz"), "compressed");
        assertThat(commands.run("copy", "layout:images.tar.gz:v1", target))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("a tar whose name ends in .tar"));
        assertThat(commands.run("copy", "layout:images:two/app:v1", target).code())
                .isZero();
        assertThat(commands.run("copy", "layout:nowhere:v1", target))
                .returns(2, Result::code)
                .returns("entrepot: there is no layout at " + folder.resolve("nowhere") + "\n", Result::err);
        assertThat(commands.run("copy", "layout:images:one/app:v1", "layout:images:one/app:v2"))
                .returns(2, Result::code);
        assertThat(commands.run("copy", image, "layout:images:No/App:v2").code())
                .isEqualTo(2);
        assertThat(commands.run("copy", image, "layout:").code()).isEqualTo(2);
    }

    @Test
    void layoutOfAnotherToolIsCopiedUnderTheNameOfTheTarget() throws IOException {
        Bundle small = loadSmall();
        commands.run("copy", "registry.test/" + REPOSITORY + ":v1", "layout:images");
        Path index = folder.resolve("images/index.json");
        Files.writeString(index, Files.readString(index).replaceAll(",\"dev.entrepot.repository\":\"[^\"]*\"", ""));

        assertThat(commands.run("copy", "layout:images:v1", old.uri() + "/app").code())
                .isZero();
        assertThat(old.resolve("app", "v1")).contains(small.digest());
        assertThat(commands.run("copy", "layout:images:v1", "layout:b.tar"))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("of which repository its images are"));
    }

    @Test
    void copiesThatMakeNoSenseAreWrongUsage() {
        String image = "registry.test/" + REPOSITORY + ":v1";
        assertThat(commands.run("copy", image, "nowhere.example/app"))
                .returns(2, Result::code)
                .returns(
                        "entrepot: no registry is called nowhere.example in the configuration; write where it is, https://"
                                + " (or http://) and nowhere.example/app, or add it to the configuration: upstreams:"
                                + " {\"nowhere.example\": {url: \"https://nowhere.example\"}}\n",
                        Result::err);
        assertThat(commands.run("copy", image, image).code()).isEqualTo(2);
        assertThat(commands.run("copy", image, "http://a.example/x@" + root).code())
                .isEqualTo(2);
        assertThat(commands.run("copy", image, "ftp://a.example/x").code()).isEqualTo(2);
        assertThat(commands.run("copy", image).code()).isEqualTo(2);
    }

    @Test
    void ruleWritesAFolderOfLayoutsAndOneRegistryTwiceUnderTwoNames() throws IOException {
        loadCorpus();
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(
                file,
                Files.readString(file)
                        .replaceAll(
                                "targets: .*",
                                "targets: [{url: \"%s\", prefix: one}, {url: \"%s\", prefix: two}, {layout: ./layouts}, {layout: ./a.tar}]"
                                        .formatted(able.uri(), able.uri())));
        Result sync = commands.run("sync", "to-regions");

        assertThat(sync).returns(0, Result::code).satisfies(ReplicationCommandsTest::complainsOfNothing);
        assertThat(sync.out()).contains("\n" + able.host() + ": 1 copied", "\n" + able.host() + "#two: 1 copied");
        replicas.assertComplete(able, true, "one/" + REPOSITORY, "v1", root);
        replicas.assertComplete(able, true, "two/" + REPOSITORY, "v1", root);
        Path layout = folder.resolve("layouts");
        assertThat(Files.readString(layout.resolve("index.json"))).contains(root.toString());
        for (Digest blob : corpus.blobs().keySet()) {
            assertThat(layout.resolve("blobs/sha256").resolve(blob.encoded())).exists();
        }
        assertThat(Files.size(folder.resolve("a.tar"))).isGreaterThan(10_000);
        assertThat(commands.run("sync", "to-regions").out())
                .contains("/layouts: 0 copied, 1 up to date", "/a.tar: 0 copied, 1 up to date");
    }

    @Test
    void ruleThatSelectsNothingEndsCompleteWithAWarning() throws IOException {
        loadSmall();
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("mcr/*", "mrc/*"));
        String warning = "rule to-regions selected nothing: 1 repositories in the catalog of registry.test,"
                + " none matches mrc/*\n";

        Result sync = commands.run("sync", "to-regions");
        assertThat(sync).returns(0, Result::code);
        assertThat(sync.out()).startsWith("run 1 of to-regions: complete").contains("  WARNING " + warning);
        assertThat(commands.run("runs", "1").out()).isEqualTo(sync.out());
        assertThat(commands.run("plan", "to-regions").out()).contains("WARNING " + warning);
        assertThat(commands.run("sync", "to-regions", "--json"))
                .returns(0, Result::code)
                .returns("entrepot: warning: " + warning, Result::err);
    }

    @Test
    void unknownRuleIsWrongUsageAndNamesThoseThereAre() {
        assertThat(commands.run("sync", "to-region"))
                .returns(2, Result::code)
                .returns("entrepot: there is no rule to-region; the configuration has to-regions\n", Result::err);
        assertThat(commands.run("plan").code()).isEqualTo(2);
    }

    @Test
    void helpNamesTheExitCodes() {
        assertThat(commands.run("sync", "--help").out())
                .contains("0 complete, 3 partly, 1 failed, 2 wrong usage, 78 wrong", "--json", "--data=FOLDER", "RULE");
    }
}
