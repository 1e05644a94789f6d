package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.replicator.bundle.BundleKey;
import dev.entrepot.replicator.bundle.BundleTrust;
import dev.entrepot.replicator.bundle.Inventory;
import dev.entrepot.replicator.bundle.InventoryJson;
import dev.entrepot.replicator.bundle.Placement;
import dev.entrepot.replicator.bundle.Receipt;
import dev.entrepot.replicator.bundle.ReceiptJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * {@code entrepot export} from end to end: a registry, a configuration, and what is in the files. Long, because all
 * options are seen in the same bundles.
 */
class ExportCommandTest {
    private static final String REPOSITORY = "mcr/net-monitor";
    private static final String IMAGE = "registry.test/" + REPOSITORY + ":v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Images images = new Images(5);
    private CommandRunner commands;

    @BeforeEach
    void configure() throws Exception {
        commands = new CommandRunner(folder);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  rules:
                    - {name: outside, source: registry.test, repositories: ["mcr/*"], tags: ["v?"]}
                    - name: signed
                      source: registry.test
                      repositories: ["mcr/*"]
                      tags: ["v?"]
                      platforms: [linux/amd64]
                      referrers: {require: [application/vnd.test.signature]}
                """.formatted(source.uri()));
        writeKeys("ours");
        writeKeys("theirs");
    }

    @AfterEach
    void close() {
        source.close();
    }

    private void writeKeys(String name) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Files.writeString(
                folder.resolve(name + ".pem"),
                pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
        Files.writeString(
                folder.resolve(name + ".pub"),
                pem("PUBLIC KEY", pair.getPublic().getEncoded()));
    }

    private static String pem(String label, byte[] bytes) {
        return "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + label
                + "-----\n";
    }

    private Result export(String... arguments) {
        List<String> all = new ArrayList<>(List.of("export"));
        all.addAll(List.of(arguments));
        return commands.run(all.toArray(String[]::new));
    }

    private static void assertDone(Result result) {
        assertThat(result).as(result.err()).returns(0, Result::code);
    }

    private Map<String, byte[]> tar(String name) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (TarFile tar = new TarFile(folder.resolve(name))) {
            for (TarArchiveEntry entry : tar.getEntries()) {
                files.put(entry.getName(), tar.getInputStream(entry).readAllBytes());
            }
        }
        return files;
    }

    private Map<String, byte[]> files(String name) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        Path top = folder.resolve(name);
        try (Stream<Path> walk = Files.walk(top)) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                files.put(top.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private static Inventory inventory(Map<String, byte[]> files) throws IOException {
        return InventoryJson.read(files.getOrDefault("entrepot/inventory.json", new byte[0]), "inventory");
    }

    private static byte[] file(Map<String, byte[]> files, String name) {
        assertThat(files).containsKey(name);
        return files.getOrDefault(name, new byte[0]);
    }

    @Test
    void theWholeCorpusIsInASignedTarAndASecondExportGivesTheSameBytes() throws Exception {
        Corpus corpus = Corpus.netMonitor();
        corpus.loadInto(source, REPOSITORY, tag -> !Corpus.isFallbackTag(tag));

        Result result = export("outside", "--output", "out.tar", "--key", "ours.pem");

        assertDone(result);
        Map<String, byte[]> files = tar("out.tar");
        assertThat(result.out()).contains("as bundle " + Digest.sha256(file(files, "entrepot/inventory.json")));
        assertThat(BundleTrust.read(folder.resolve("ours.pub"))
                        .verifies(file(files, "entrepot/inventory.json"), file(files, "entrepot/inventory.sig")))
                .isTrue();
        Inventory inventory = inventory(files);
        for (Digest blob : corpus.blobs().keySet()) {
            assertThat(Digest.sha256(file(files, "blobs/sha256/" + blob.encoded())))
                    .isEqualTo(blob);
        }
        Replicas.of(corpus)
                .manifestDigests()
                .forEach(manifest -> assertThat(inventory.manifests()).containsKey(manifest));
        assertThat(inventory.images())
                .anyMatch(image ->
                        image.tag().value().equals("v1") && image.manifest().equals(corpus.digest("v1")));
        assertThat(new String(file(files, "index.json"), StandardCharsets.UTF_8))
                .contains("\"org.opencontainers.image.ref.name\":\"v1\"");

        assertDone(export("outside", "--output", "again.tar", "--key", "ours.pem", "--data", "other-data"));
        assertThat(Files.mismatch(folder.resolve("out.tar"), folder.resolve("again.tar")))
                .isEqualTo(-1);
        assertDone(export(
                "outside", "--output", "layout", "--key", "ours.pem", "--from", "upstream", "--data", "not-kept"));
        Files.createDirectories(folder.resolve("not-kept/blobs"));
        assertThat(files("not-kept/blobs")).isEmpty();
        assertThat(files("data/blobs")).isEmpty();
        Map<String, byte[]> inFolder = files("layout");
        assertThat(inFolder.keySet()).isEqualTo(files.keySet());
        inFolder.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(files.get(name)));
    }

    private Bundle pushImage(String tag, long... layers) {
        return source.push(REPOSITORY, images.image(layers), tag);
    }

    @Test
    void volumesAreNoLargerThanAskedForAndALostOneIsWrittenAgainAlone() throws Exception {
        Bundle image = pushImage("v1", 150_000, 700, 300_000);
        Result result = export(IMAGE, "--output", "out.tar", "--key", "ours.pem", "--volume-size", "100KB", "--json");

        assertDone(result);
        JsonNode report = OciJson.mapper().readTree(result.out());
        List<Path> volumes = report.path("volumes")
                .valueStream()
                .map(volume -> Path.of(volume.path("file").asString()))
                .toList();
        assertThat(volumes.size()).isBetween(5, 8);
        assertThat(volumes.getFirst()).isEqualTo(folder.resolve("out.001.tar"));
        for (Path volume : volumes) {
            assertThat(Files.size(volume)).isLessThanOrEqualTo(100_000);
        }
        Map<Digest, byte[]> parts = new HashMap<>();
        Inventory inventory = inventory(tar("out.001.tar"));
        for (Digest blob : image.blobs().keySet()) {
            if (inventory.blobs().get(blob).placement() instanceof Placement.InParts in) {
                byte[] whole = new byte[0];
                for (int i = 0; i < in.parts().size(); i++) {
                    Map<String, byte[]> volume =
                            tar("out.%03d.tar".formatted(in.parts().get(i).volume()));
                    byte[] part = file(volume, "entrepot/parts/sha256-%s/%04d".formatted(blob.encoded(), i + 1));
                    assertThat(Digest.sha256(part)).isEqualTo(in.parts().get(i).digest());
                    byte[] longer = Arrays.copyOf(whole, whole.length + part.length);
                    System.arraycopy(part, 0, longer, whole.length, part.length);
                    whole = longer;
                }
                parts.put(blob, whole);
            }
        }
        assertThat(parts).hasSize(2);
        parts.forEach((blob, bytes) -> assertThat(Digest.sha256(bytes)).isEqualTo(blob));

        byte[] third = Files.readAllBytes(folder.resolve("out.003.tar"));
        Files.delete(folder.resolve("out.003.tar"));
        String id = report.path("bundle").asString();
        assertDone(export("--reissue", id.substring(7, 19), "--volumes", "3", "--output", "again"));
        assertThat(files("again").keySet()).containsExactly("out.003.tar");
        assertThat(files("again").get("out.003.tar")).isEqualTo(third);
        assertThat(export("--reissue", "out.001.tar", "--volumes", "3", "--output", "third", "--data", "other"))
                .returns(2, Result::code)
                .extracting(Result::err)
                .asString()
                .contains("was not exported with the data folder")
                .contains("--trust");
        assertDone(export(
                "--reissue",
                "out.001.tar",
                "--volumes",
                "3",
                "--output",
                "third",
                "--data",
                "other",
                "--trust",
                "ours.pub"));
        assertThat(files("third").get("out.003.tar")).isEqualTo(third);
    }

    @Test
    void lostVolumeIsSignedAndNamedLikeTheOneThatIsGivenAlsoIfTheSameWasExportedOtherwiseSince() throws Exception {
        pushImage("v1", 150_000, 700);
        String[] signed = {IMAGE, "--volume-size", "100KB", "--key", "ours.pem", "--output"};
        assertDone(export(with(signed, "a.tar")));
        String id =
                Digest.sha256(file(tar("a.001.tar"), "entrepot/inventory.json")).encoded();
        assertDone(export(IMAGE, "--volume-size", "100KB", "--unsigned", "--output", "b.tar"));
        assertDone(export(IMAGE, "--volume-size", "100KB", "--key", "theirs.pem", "--output", "c.tar"));
        assertDone(export(with(signed, "d.tar")));

        for (String name : List.of("a", "b", "c", "d")) {
            assertDone(export("--reissue", name + ".001.tar", "--volumes", "2", "--output", "again"));
            assertThat(folder.resolve("again/" + name + ".002.tar"))
                    .hasSameBinaryContentAs(folder.resolve(name + ".002.tar"));
        }
        assertThat(export("--reissue", id, "--volumes", "2", "--output", "by-id")
                        .err())
                .contains("was exported 3 times", id + "-unsigned (b.tar)", "(c.tar)", "(d.tar)");
        assertDone(export("--reissue", id + "-unsigned", "--volumes", "2", "--output", "by-id"));
        assertThat(folder.resolve("by-id/b.002.tar")).hasSameBinaryContentAs(folder.resolve("b.002.tar"));
    }

    private static String[] with(String[] arguments, String last) {
        String[] all = Arrays.copyOf(arguments, arguments.length + 1);
        all[arguments.length] = last;
        return all;
    }

    @Test
    void volumeWhoseSignatureNoSavedExportHasIsFollowedOnlyIfItsKeyIsTrusted() throws Exception {
        pushImage("v1", 150_000, 700);
        assertDone(
                export(IMAGE, "--volume-size", "100KB", "--key", "ours.pem", "--output", "a.tar", "--data", "other"));
        assertDone(export(IMAGE, "--volume-size", "100KB", "--unsigned", "--output", "b.tar"));

        assertThat(export("--reissue", "a.001.tar", "--volumes", "2", "--output", "again"))
                .returns(2, Result::code)
                .extracting(Result::err)
                .asString()
                .contains("its signature is none of those", "--trust");
        assertDone(export("--reissue", "a.001.tar", "--volumes", "2", "--output", "again", "--trust", "ours.pub"));
        assertThat(folder.resolve("again/a.002.tar")).hasSameBinaryContentAs(folder.resolve("a.002.tar"));
    }

    @Test
    void dryRunSaysHowManyVolumesOfHowManyBytesTheExportThenWrites() throws Exception {
        pushImage("v1", 150_000, 700, 300_000);
        List<String> arguments =
                List.of(IMAGE, "--output", "out.tar", "--key", "ours.pem", "--volume-size", "100KB", "--json");
        List<String> dry = new ArrayList<>(arguments);
        dry.add("--dry-run");

        Result planned = export(dry.toArray(String[]::new));

        assertDone(planned);
        JsonNode plan = OciJson.mapper().readTree(planned.out());
        assertThat(plan.path("dryRun").asBoolean()).isTrue();
        assertThat(plan.path("carried").path("bytes").asLong()).isBetween(450_700L, 460_000L);
        assertThat(plan.path("volumes").size()).isBetween(5, 8);
        try (Stream<Path> there = Files.list(folder)) {
            assertThat(there.map(file -> file.getFileName().toString())).noneMatch(name -> name.contains("out."));
        }

        Result done = export(arguments.toArray(String[]::new));
        assertDone(done);
        JsonNode report = OciJson.mapper().readTree(done.out());
        assertThat(report.path("carried")).isEqualTo(plan.path("carried"));
        assertThat(report.path("volumes").size()).isEqualTo(plan.path("volumes").size());
        for (int i = 0; i < report.path("volumes").size(); i++) {
            JsonNode expected = plan.path("volumes").path(i);
            assertThat(Files.size(Path.of(expected.path("file").asString())))
                    .isEqualTo(expected.path("bytes").asLong());
        }
    }

    @Test
    void whatCannotBeDiscoveredFailsTheExportBeforeAByteIsWritten() throws Exception {
        Bundle image = pushImage("v1", 3000);
        Bundle bill = source.push(REPOSITORY, images.referrer(image, "application/vnd.test.sbom"));
        source.faults().always(Requests.manifest(bill.digest()), Fault.status(403));

        Result result = export("outside", "--output", "out.tar", "--unsigned");

        assertThat(result).returns(1, Result::code);
        assertThat(result.out())
                .contains("FAILED")
                .contains(REPOSITORY + ":v1")
                .contains(bill.digest().toString())
                .startsWith("outside: failed in ");
        assertThat(result.err()).contains("no bundle was written");
        assertThat(folder.resolve("out.tar")).doesNotExist();
        assertThat(folder.resolve("data/exports")).doesNotExist();
    }

    @Test
    void aRuleSelectsPlatformsAndRequiresReferrersAsInReplication() throws Exception {
        Bundle index = source.push(REPOSITORY, images.index("linux/amd64", "linux/arm64"), "v1");
        assertThat(export("signed", "--output", "out.tar", "--unsigned"))
                .returns(1, Result::code)
                .satisfies(result -> assertThat(result.out()).contains("application/vnd.test.signature"));

        source.push(REPOSITORY, images.referrer(index, "application/vnd.test.signature"));
        assertDone(export("signed", "--output", "out.tar", "--unsigned"));
        Inventory inventory = inventory(tar("out.tar"));
        assertThat(inventory.manifests().get(index.digest()).children()).hasSize(1);
        assertThat(inventory.manifests().get(index.digest()).omitted()).hasSize(1);
    }

    private Receipt receipt(
            Inventory inventory, Collection<Digest> held, Collection<Digest> lost, List<Integer> missing)
            throws IOException {
        TreeMap<RepositoryName, SortedSet<Digest>> there = new TreeMap<>();
        TreeMap<RepositoryName, SortedSet<Digest>> gone = new TreeMap<>();
        RepositoryName name = new RepositoryName(REPOSITORY);
        if (!held.isEmpty()) {
            there.put(name, new TreeSet<>(held));
        }
        if (!lost.isEmpty()) {
            gone.put(name, new TreeSet<>(lost));
        }
        return new Receipt(
                Optional.of(InventoryJson.bundleId(InventoryJson.write(inventory))),
                "eu",
                List.of(),
                there,
                gone,
                missing);
    }

    private void writeReceipt(String name, Receipt receipt, String key) throws IOException {
        byte[] document = ReceiptJson.write(receipt);
        Files.write(folder.resolve(name), document);
        Files.write(
                folder.resolve(name + ".sig"),
                BundleKey.read(folder.resolve(key)).sign(document));
    }

    @Test
    void theDifferenceToAReceiptIsWhatTheOtherSideLacks() throws Exception {
        Bundle first = pushImage("v1", 50_000, 60_000);
        assertDone(export("outside", "--output", "one.tar", "--unsigned"));
        Inventory before = inventory(tar("one.tar"));
        List<Digest> all = new ArrayList<>(before.manifests().keySet());
        all.addAll(before.blobs().keySet());
        Digest lost = first.blobs().keySet().stream()
                .filter(blob -> before.blobs().get(blob).sizeBytes() == 50_000)
                .findFirst()
                .orElseThrow();
        all.remove(lost);
        writeReceipt("receipt.json", receipt(before, all, List.of(lost), List.of(2)), "theirs.pem");
        Bundle signature = source.push(REPOSITORY, images.referrer(first, "application/vnd.test.signature"));

        Result dry = export(
                "outside", "--output", "two.tar", "--dry-run", "--since", "receipt.json", "--trust", "theirs.pub");
        assertDone(dry);
        assertThat(dry.out())
                .contains("would export outside")
                .contains("left out, as the receipt says")
                .contains("sent again")
                .contains(lost.toString())
                .contains("--volumes 2");
        assertThat(folder.resolve("two.tar")).doesNotExist();
        assertDone(export(
                "outside", "--output", "two.tar", "--unsigned", "--since", "receipt.json", "--trust", "theirs.pub"));

        Map<String, byte[]> files = tar("two.tar");
        Inventory inventory = inventory(files);
        assertThat(inventory.since()).contains(Digest.sha256(Files.readAllBytes(folder.resolve("receipt.json"))));
        assertThat(inventory.manifests().get(first.digest()).placement()).isInstanceOf(Placement.Held.class);
        assertThat(inventory.manifests().get(signature.digest()).placement()).isInstanceOf(Placement.InVolume.class);
        assertThat(files).containsKey("blobs/sha256/" + lost.encoded());
        long large =
                files.values().stream().filter(bytes -> bytes.length > 40_000).count();
        assertThat(large).isEqualTo(1);
    }

    @Test
    void aReceiptThatIsAlteredOrOfAnotherKeyIsRefused() throws Exception {
        pushImage("v1", 500);
        Inventory any = someInventory();
        writeReceipt("receipt.json", receipt(any, List.of(), List.of(), List.of()), "ours.pem");
        assertThat(export(
                        "outside",
                        "--output",
                        "o.tar",
                        "--unsigned",
                        "--since",
                        "receipt.json",
                        "--trust",
                        "theirs.pub"))
                .returns(1, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("somebody else"));
        Files.delete(folder.resolve("receipt.json.sig"));
        assertThat(export(
                        "outside", "--output", "o.tar", "--unsigned", "--since", "receipt.json", "--trust", "ours.pub"))
                .returns(1, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("receipt.json.sig is missing"));
    }

    private Inventory someInventory() throws IOException {
        assertDone(export("outside", "--output", "some.tar", "--unsigned"));
        return inventory(tar("some.tar"));
    }

    @Test
    void anOutputThatIsSomethingElseIsNeverOverwritten() throws Exception {
        pushImage("v1", 500);
        Files.writeString(folder.resolve("out.tar"), "mine");

        assertThat(export("outside", "--output", "out.tar", "--unsigned"))
                .returns(1, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("exists and is not this volume"));
        assertThat(folder.resolve("out.tar")).hasContent("mine");
        Files.delete(folder.resolve("out.tar"));
        assertDone(export("outside", "--output", "out.tar", "--unsigned"));
        Result again = export("outside", "--output", "out.tar", "--unsigned");
        assertDone(again);
        assertThat(again.out()).contains("(was there)");
    }

    @Test
    void fromTheCacheNothingIsAskedOfAnUpstream() throws Exception {
        Bundle image = pushImage("v1", 3000);
        Result without = export(IMAGE, "--output", "out.tar", "--unsigned", "--from", "cache");
        assertThat(without).returns(1, Result::code);
        assertThat(without.out()).contains("does not keep v1 of registry.test/" + REPOSITORY);
        assertThat(source.requests(Requests.any())).isEmpty();

        assertDone(export(IMAGE, "--output", "out.tar", "--unsigned", "--keep"));
        // A tag is kept when a client has pulled it, and replication resolves it by HEAD.
        try (MirrorFixture mirror = MirrorFixture.started(
                folder,
                "default-upstream: registry.test\nupstreams:\n  registry.test: {url: \"" + source.uri() + "\"}\n")) {
            mirror.get("/v2/" + REPOSITORY + "/manifests/v1");
        }
        int requests = source.requests(Requests.any()).size();
        Result kept = export(IMAGE, "--output", "kept.tar", "--unsigned", "--from", "cache");
        assertDone(kept);
        assertThat(source.requests(Requests.any())).hasSize(requests);
        assertThat(Files.mismatch(folder.resolve("out.tar"), folder.resolve("kept.tar")))
                .isEqualTo(-1);
        assertThat(image.digest())
                .isEqualTo(inventory(tar("kept.tar")).images().getFirst().manifest());
    }

    @Test
    void whereAServerHasTheFolderOpenContentIsReadThroughIt() throws Exception {
        Bundle image = pushImage("v1", 3000, 200_000);
        try (Mirror mirror = Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test"),
                OutputStream.nullOutputStream())) {
            Result result = export("outside", "--output", "out.tar", "--unsigned", "--keep");
            assertDone(result);
            assertThat(result.err()).contains("reading through the server at http://127.0.0.1:" + mirror.port());
            assertDone(export(IMAGE, "--output", "again.tar", "--unsigned"));
            assertThat(Files.mismatch(folder.resolve("out.tar"), folder.resolve("again.tar")))
                    .isEqualTo(-1);
            for (Digest blob : image.blobs().keySet()) {
                assertThat(source.calls().gets(blob)).as("GETs of " + blob).isEqualTo(1);
            }
            assertThat(export(IMAGE, "--output", "kept.tar", "--unsigned", "--from", "cache"))
                    .returns(2, Result::code)
                    .satisfies(kept -> assertThat(kept.err()).contains("stop it"));
        }
    }

    @Test
    void aRuleWithoutTargetsIsNotForSync() {
        assertThat(commands.run("sync", "outside"))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("entrepot export outside --output FILE"));
    }

    @Test
    void wrongUsageIsSaidWithWhatToDo() {
        assertThat(export("outside", "--unsigned")).returns(2, Result::code);
        assertThat(export("outside", "--output", "out.tar").err()).contains("openssl genpkey");
        assertThat(export("nosuch.test/app:v1", "--output", "o.tar", "--unsigned"))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("no registry is called nosuch.test"));
        assertThat(export("outside", "--output", "o.tar", "--unsigned", "--since", "r.json")
                        .err())
                .contains("--trust");
        assertThat(export("--reissue", "abcdef", "--volumes", "1", "--output", "o")
                        .err())
                .contains("no export has an id");
        for (String more : List.of("--dry-run", "--restart", "--unsigned", "--key=ours.pem", "--volume-size=1MB")) {
            assertThat(export("--reissue", "abcdef", "--volumes", "1", "--output", "o", more))
                    .as(more)
                    .returns(2, Result::code)
                    .satisfies(result -> assertThat(result.err()).contains("leave out " + more.split("=")[0]));
        }
        assertThat(export(IMAGE, "--output", "o.tar", "--key", ".").err())
                .contains(folder.toString())
                .contains("cannot be read");
    }

    @Test
    void ofSeveralRegistriesAllWarningsAreSaid() throws Exception {
        try (TestRegistry second = TestRegistry.started(Abilities.WITHOUT_REFERRERS)) {
            Path file = folder.resolve("entrepot.yaml");
            Files.writeString(
                    file,
                    Files.readString(file)
                            .replace("replication:", "  second.test: {url: \"" + second.uri() + "\"}\nreplication:"));
            pushImage("v1", 700);
            Bundle image = second.push("team/app", images.image(300), "v1");
            Bundle gone = images.referrer(image, "application/vnd.test.sbom");
            second.pushManifest(
                    "team/app",
                    MediaType.OCI_INDEX.value(),
                    DescriptorJson.writeIndex(List.of(gone.descriptor())),
                    image.digest().referrersTag().value());

            Result result = export(IMAGE, "second.test/team/app:v1", "--output", "out.tar", "--unsigned");

            assertDone(result);
            assertThat(result.out()).contains("WARNING", "lists " + gone.digest());
        }
    }

    @Test
    void anExportThatFailedHalfwayGoesOnWithTheInventoryThatItHas() throws Exception {
        Bundle image = pushImage("v1", 3000, 400_000);
        Digest large = image.blobs().keySet().stream()
                .filter(blob -> source.blob(REPOSITORY, blob).orElseThrow().sizeBytes() == 400_000)
                .findFirst()
                .orElseThrow();
        source.faults().always(Requests.blob(large), Fault.status(403));
        assertThat(export("outside", "--output", "out.tar", "--unsigned")).returns(1, Result::code);
        assertThat(folder.resolve("out.tar")).doesNotExist();
        source.faults().clear();
        // What the source has by now does not matter: the inventory is what it was.
        pushImage("v2", 700);

        Result result = export("outside", "--output", "out.tar", "--unsigned");
        assertDone(result);
        assertThat(result.err()).contains("going on with bundle");
        assertThat(inventory(tar("out.tar")).images()).hasSize(1);
        assertThat(export("outside", "--output", "out.tar", "--unsigned").err())
                .contains("exists and is not this volume");
        assertDone(export("outside", "--output", "new.tar", "--unsigned", "--restart"));
        assertThat(inventory(tar("new.tar")).images()).hasSize(2);
    }

    private String breakOff(String... arguments) {
        Bundle image = pushImage("v1", 3000, 400_000);
        image.blobs().keySet().forEach(blob -> source.faults().always(Requests.blob(blob), Fault.status(403)));
        assertThat(export(arguments)).returns(1, Result::code);
        source.faults().clear();
        return "going on with bundle";
    }

    @Test
    void dryRunWithRestartDoesNotForgetTheExportThatWasBegun() throws Exception {
        String goingOn = breakOff("outside", "--output", "out.tar", "--unsigned");

        assertDone(export("outside", "--output", "out.tar", "--unsigned", "--dry-run", "--restart"));

        assertThat(export("outside", "--output", "out.tar", "--unsigned").err()).contains(goingOn);
    }

    @Test
    void exportThatWasBegunIsNotGoneOnWithWhenTheKeyIsAnotherByNow() throws Exception {
        String goingOn = breakOff("outside", "--output", "out.tar", "--key", "ours.pem");
        Files.copy(folder.resolve("ours.pem"), folder.resolve("was.pem"));
        Files.copy(folder.resolve("theirs.pem"), folder.resolve("ours.pem"), StandardCopyOption.REPLACE_EXISTING);

        Result result = export("outside", "--output", "out.tar", "--key", "ours.pem");

        assertDone(result);
        assertThat(result.err())
                .contains("signed with another key than is in " + folder.resolve("ours.pem"))
                .doesNotContain(goingOn);
        Map<String, byte[]> files = tar("out.tar");
        assertThat(BundleTrust.read(folder.resolve("theirs.pub"))
                        .verifies(file(files, "entrepot/inventory.json"), file(files, "entrepot/inventory.sig")))
                .isTrue();
        Files.copy(folder.resolve("was.pem"), folder.resolve("ours.pem"), StandardCopyOption.REPLACE_EXISTING);
        Files.delete(folder.resolve("out.tar"));
        assertThat(export("outside", "--output", "out.tar", "--key", "ours.pem").err())
                .as("the one that was begun is forgotten")
                .doesNotContain(goingOn);
    }
}
