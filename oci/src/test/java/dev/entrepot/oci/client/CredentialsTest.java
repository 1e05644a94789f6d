package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where credentials come from. Long, because each source of them and each mistake there is one short case. */
class CredentialsTest {
    private static final RegistryHost REGISTRY = RegistryHost.parse("registry.test:5000");

    @TempDir
    Path folder;

    private final TestWorld world = new TestWorld();

    private static Credential user(String name, String password) {
        return new Credential.UserPassword(name, password);
    }

    private static String auth(String name, String password) {
        String pair = name + ":" + password;
        return Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void showNoSecret() {
        assertThat(user("bob", "s3cret").toString()).contains("bob").doesNotContain("s3cret");
        assertThat(new Credential.IdentityToken("s3cret").toString()).doesNotContain("s3cret");
        assertThat(new Credential.BearerToken("s3cret").toString()).doesNotContain("s3cret");
        assertThat(TestWorld.endpoint("https://r.test")
                        .withCredentials(CredentialSource.fixed(user("bob", "s3cret")))
                        .toString())
                .doesNotContain("s3cret");
        assertThat(Token.of("s3cret", world.instant(), world.instant(), Duration.ofSeconds(1))
                        .toString())
                .doesNotContain("s3cret");
    }

    @Test
    void differByKindNameAndSecret() {
        assertThat(user("a", "b").fingerprint())
                .isEqualTo(user("a", "b").fingerprint())
                .isNotEqualTo(user("a", "c").fingerprint())
                .isNotEqualTo(user("ab", "").fingerprint())
                .isNotEqualTo(new Credential.IdentityToken("b").fingerprint());
    }

    @Test
    void areReadFromAFileAgainWhenItChanges() throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "pass:word\n");
        CredentialSource source = FileCredentials.ofPassword("bob", file);
        assertThat(source.credential(REGISTRY)).contains(user("bob", "pass:word"));

        Files.writeString(file, "other-word\n");
        assertThat(source.credential(REGISTRY)).contains(user("bob", "other-word"));
    }

    @Test
    void ofAFileThatCannotBeReadAgainAreThoseThatItHeldBefore() throws IOException {
        Path file = folder.resolve("token");
        CredentialSource source = FileCredentials.ofIdentityToken(file);
        assertThatThrownBy(() -> source.credential(REGISTRY)).isInstanceOf(IOException.class);
        Files.writeString(file, "\n");
        assertThatThrownBy(() -> source.credential(REGISTRY))
                .hasMessage(file + " is empty: write the password or token into it");

        Files.writeString(file, "one\n");
        assertThat(source.credential(REGISTRY)).contains(new Credential.IdentityToken("one"));
        Files.writeString(file, "");
        assertThat(source.credential(REGISTRY)).contains(new Credential.IdentityToken("one"));
        Files.delete(file);
        assertThat(source.credential(REGISTRY)).contains(new Credential.IdentityToken("one"));
        Files.writeString(file, "two");
        assertThat(source.credential(REGISTRY)).contains(new Credential.IdentityToken("two"));
        assertThat(source.account()).contains("identity token in token");
    }

    @Test
    void ofADockerConfigThatIsBeingWrittenAreThoseThatItHeldBefore() throws IOException {
        Path file = config("{\"auths\":{\"registry.test:5000\":{\"auth\":\"" + auth("bob", "one") + "\"}}}");
        DockerConfigCredentials source = docker(file);
        assertThat(source.credential(REGISTRY)).contains(user("bob", "one"));
        config("{\"auths\":");
        assertThat(source.credential(REGISTRY)).contains(user("bob", "one"));
        config("{\"auths\":{\"registry.test:5000\":{\"auth\":\"" + auth("bob", "two") + "\"}}}");
        assertThat(source.credential(REGISTRY)).contains(user("bob", "two"));
        config("{}");
        assertThat(source.credential(REGISTRY)).as("taken away").isEmpty();
    }

    @Test
    void ofAFileWithABearerTokenAreThatToken() throws IOException {
        Path file = Files.writeString(folder.resolve("bearer"), "t1\n");
        CredentialSource source = FileCredentials.ofBearerToken(file);
        assertThat(source.credential(REGISTRY)).contains(new Credential.BearerToken("t1"));

        Files.writeString(file, "t2\n");
        assertThat(source.credential(REGISTRY)).contains(new Credential.BearerToken("t2"));
    }

    @Test
    void areReadFromAPasswordFile() throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "a:b c\r\n");

        assertThat(FileCredentials.ofPassword("bob", file).credential(REGISTRY)).contains(user("bob", "a:b c"));
    }

    @Test
    void ofAFileLoseOneLineBreakAndAByteOrderMarkOnly() throws IOException {
        Path file = folder.resolve("password");
        CredentialSource source = FileCredentials.ofPassword("bob", file);
        for (String end : List.of("", "\n", "\r\n")) {
            Files.writeString(file, "\uFEFF se same " + end);
            assertThat(source.credential(REGISTRY)).contains(user("bob", " se same "));
        }
    }

    @Test
    void ofAFileThatIsNotUtf8OrATokenOfSeveralLinesAreRefusedAndNotShown() throws IOException {
        Path latin = Files.write(folder.resolve("latin"), "s\u00e4same".getBytes(StandardCharsets.ISO_8859_1));
        Path lines = Files.writeString(folder.resolve("lines"), "sesame\n\n");
        Path blank = Files.writeString(folder.resolve("blank"), "sesame \n");

        assertThatThrownBy(() -> FileCredentials.ofPassword("bob", latin).credential(REGISTRY))
                .hasMessage(latin + " is not UTF-8");
        assertThatThrownBy(() -> FileCredentials.read(latin)).hasMessage(latin + " is not UTF-8");
        assertThatThrownBy(() -> FileCredentials.ofIdentityToken(lines).credential(REGISTRY))
                .hasMessageStartingWith(lines + " holds a line break")
                .hasMessageNotContaining("sesame");
        assertThatThrownBy(() -> FileCredentials.readLine(lines)).hasMessageStartingWith(lines + " holds a line");
        assertThatThrownBy(() -> FileCredentials.ofBearerToken(blank).credential(REGISTRY))
                .hasMessage(blank + " holds a blank before or after the token: take it out");
        assertThatThrownBy(() -> FileCredentials.requireBearerToken(blank)).isInstanceOf(IOException.class);
        // As copied from a page that has made one dash of two.
        Path dash = Files.writeString(folder.resolve("dash"), "se\u2014same\n");
        assertThatThrownBy(() -> FileCredentials.requireBearerToken(dash))
                .hasMessageStartingWith(dash + " holds characters that are not ASCII")
                .hasMessageNotContaining("same");
        assertThatThrownBy(() -> FileCredentials.ofBearerToken(dash).credential(REGISTRY))
                .isInstanceOf(IOException.class);
        assertThat(FileCredentials.readLine(blank)).isEqualTo("sesame ");
        assertThat(FileCredentials.read(lines)).isEqualTo("sesame\n");
    }

    @Test
    void failWithTheNameOfTheFileAndNothingOfItsContent() throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "s3cret".repeat(20_000));
        Path json = Files.writeString(folder.resolve("config.json"), "{\"auths\": s3cret");
        Path auth = config("{\"auths\":{\"registry.test:5000\":{\"auth\":\"s3cret!\"}}}");

        assertThatThrownBy(() -> FileCredentials.ofPassword("bob", file).credential(REGISTRY))
                .hasMessageContaining(file.toString())
                .hasMessageNotContaining("s3cret");
        assertThatThrownBy(() -> docker(json).credential(REGISTRY))
                .hasMessageContaining(json.toString())
                .hasMessageNotContaining("s3cret")
                .hasNoCause();
        assertThatThrownBy(() -> docker(auth).credential(REGISTRY)).hasMessageNotContaining("s3cret");
        assertThatThrownBy(() -> docker(folder.resolve("missing")).credential(REGISTRY))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("missing");
    }

    private Path config(String json) throws IOException {
        return Files.writeString(folder.resolve("docker.json"), json);
    }

    private DockerConfigCredentials docker(Path config) {
        return new DockerConfigCredentials(
                config, world.environment().withVariables(Map.of("PATH", folder.toString())));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "registry.test:5000",
                "https://registry.test:5000",
                "http://Registry.test:5000/v1/",
                "registry.test:5000/v2/"
            })
    void areFoundInADockerConfigByHost(String key) throws IOException {
        Path file = config("{\"auths\":{\"other.test\":{\"auth\":\"" + auth("x", "y") + "\"},\"" + key
                + "\":{\"auth\":\"" + auth("bob", "pass:word") + "\"}}}");

        assertThat(docker(file).credential(REGISTRY)).contains(user("bob", "pass:word"));
        assertThat(docker(file).credential(RegistryHost.parse("registry.test"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"})
    void areFoundForDockerHubUnderItsOldName(String key) throws IOException {
        Path file = config("{\"auths\":{\"" + key + "\":{\"auth\":\"" + auth("bob", "p") + "\"}}}");

        assertThat(docker(file).credential(RegistryHost.DOCKER_HUB)).contains(user("bob", "p"));
        assertThat(docker(file).credential(Repository.parse("docker.io/library/alpine")))
                .contains(user("bob", "p"));
    }

    @ParameterizedTest
    @CsvSource({
        "registry.test:5000/team/app,app",
        "registry.test:5000/team/app/sub,app",
        "registry.test:5000/team/apple,team",
        "registry.test:5000/other,host"
    })
    void areFoundByTheLongestStartOfThePath(String repository, String expected) throws IOException {
        Path file = config("{\"auths\":{\"registry.test:5000\":{\"auth\":\"" + auth("host", "p") + "\"},"
                + "\"registry.test:5000/team\":{\"auth\":\"" + auth("team", "p") + "\"},"
                + "\"registry.test:5000/team/app\":{\"username\":\"app\",\"password\":\"p\"}}}");

        assertThat(docker(file).credential(Repository.parse(repository))).contains(user(expected, "p"));
    }

    @ParameterizedTest
    @CsvSource({
        "*.test,a.test,true",
        "https://*.test,a.test,true",
        "*.registry.test,a.registry.test,true",
        "a*z.registry.test,abcz.registry.test,true",
        "*.*.test,a.b.test,true",
        "*.test:5000,a.test:5000,true",
        "*.test/team,a.test,true",
        "*.test,a.b.test,false",
        "*.test,test,false",
        "*.test,a.test:5000,false",
        "*.test:5000,a.test,false",
        "*.test/other,a.test,false",
        "a.*,a.test:5000,false"
    })
    void areFoundByThePatternsOfKubernetes(String pattern, String host, boolean found) throws IOException {
        Path file = config("{\"auths\":{\"" + pattern + "\":{\"auth\":\"" + auth("bob", "p") + "\"}}}");

        assertThat(docker(file).credential(Repository.parse(host + "/team/app")))
                .isEqualTo(found ? Optional.of(user("bob", "p")) : Optional.empty());
    }

    @Test
    void patternsComeAfterWhatIsWrittenOutAndLongerOnesFirst() throws IOException {
        Path file = config("{\"auths\":{\"*.test\":{\"auth\":\"" + auth("any", "p") + "\"},\"a*.test\":{\"auth\":\""
                + auth("some", "p") + "\"},\"a.test\":{\"auth\":\"" + auth("one", "p") + "\"}}}");

        assertThat(docker(file).credential(RegistryHost.parse("a.test"))).contains(user("one", "p"));
        assertThat(docker(file).credential(RegistryHost.parse("ab.test"))).contains(user("some", "p"));
        assertThat(docker(file).credential(RegistryHost.parse("b.test"))).contains(user("any", "p"));
    }

    @Test
    void helperOfAPatternIsAskedForTheHost() throws IOException {
        helper("one", ECHO);

        assertThat(docker(config("{\"credHelpers\":{\"*.test\":\"one\"}}")).credential(RegistryHost.parse("a.test")))
                .contains(user("a.test", "pw"));
    }

    @Test
    void preferAnIdentityToken() throws IOException {
        Path file = config("{\"auths\":{\"registry.test:5000\":{\"auth\":\"" + auth("00000000", "")
                + "\",\"identitytoken\":\"t\"}}}");

        assertThat(docker(file).credential(REGISTRY)).contains(new Credential.IdentityToken("t"));
    }

    @Test
    void areAbsentWhereTheEntryIsEmpty() throws IOException {
        assertThat(docker(config("{\"auths\":{\"registry.test:5000\":{}}}")).credential(REGISTRY))
                .isEmpty();
        assertThat(docker(config("{}")).credential(REGISTRY)).isEmpty();
    }

    private void helper(String suffix, String script) throws IOException {
        Path file = Files.writeString(folder.resolve("docker-credential-" + suffix), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }

    // Answers with the server that it was asked for as the name.
    private static final String ECHO =
            "[ \"$1\" = get ] || exit 9\nread -r server || true\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"%s\",\"Secret\":\"pw\"}' \"$server\" \"$server\"";

    @Test
    void areAskedOfTheHelperOfTheHost() throws IOException {
        helper("one", ECHO);
        Path file = config("{\"credHelpers\":{\"registry.test:5000\":\"one\"},\"credsStore\":\"missing\"}");

        assertThat(docker(file).credential(REGISTRY)).contains(user("registry.test:5000", "pw"));
    }

    @Test
    void areAskedOfTheStoreByTheServersName() throws IOException {
        helper("store", ECHO);
        Path file = config("{\"credsStore\":\"store\"}");

        assertThat(docker(file).credential(REGISTRY)).contains(user("registry.test:5000", "pw"));
        assertThat(docker(file).credential(RegistryHost.DOCKER_HUB))
                .contains(user("https://index.docker.io/v1/", "pw"));
    }

    @Test
    void areReadFromTheFileWhereTheStoreHasNone() throws IOException {
        helper("store", "echo 'credentials not found in native keychain'; exit 1");
        Path file = config("{\"credsStore\":\"store\",\"auths\":{\"registry.test:5000\":{\"auth\":\"" + auth("bob", "p")
                + "\"}}}");

        assertThat(docker(file).credential(REGISTRY)).contains(user("bob", "p"));
        assertThat(docker(file).credential(RegistryHost.parse("other.test"))).isEqualTo(Optional.empty());
    }

    @Test
    void takeTheSpecialNameForAnIdentityToken() throws IOException {
        helper("one", "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");

        assertThat(docker(config("{\"credsStore\":\"one\"}")).credential(REGISTRY))
                .contains(new Credential.IdentityToken("t"));
    }

    @Test
    void areKeptForFiveMinutesOrUntilRefused() throws IOException {
        helper("one", "echo x >> \"" + folder + "/runs\"; echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"one\"}"));
        source.credential(REGISTRY);
        world.advance(Duration.ofSeconds(299));
        source.credential(REGISTRY);
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(1);

        world.advance(Duration.ofSeconds(1));
        source.credential(REGISTRY);
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(2);

        source.refused(REGISTRY);
        source.credential(REGISTRY);
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "echo s3cret; exit 3      | failed with exit code 3",
                "echo s3cret              | not JSON",
                "head -c 200000 /dev/zero | more than 65536 bytes"
            })
    void failWithTheNameOfTheHelperAndNothingOfItsOutput(String script, String expected) throws IOException {
        helper("bad", script);
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"bad\"}"));

        assertThatThrownBy(() -> source.credential(REGISTRY))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("docker-credential-bad")
                .hasMessageContaining(expected)
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void helperThatFailedIsLeftAloneForTenSeconds() throws IOException {
        helper("bad", "echo x >> \"" + folder + "/runs\"; exit 3");
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"bad\"}"));
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> source.credential(REGISTRY)).hasMessageContaining("exit code 3");
        }
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(1);

        world.advance(Duration.ofSeconds(10));
        assertThatThrownBy(() -> source.credential(REGISTRY)).hasMessageContaining("exit code 3");
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(2);
    }

    @Test
    void whatAHelperGaveCountsWhenItFailsUntilItGivesAnother() throws IOException {
        String fails = "echo x >> \"" + folder + "/runs\"; exit 3";
        helper("one", "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"one\"}"));
        source.credential(REGISTRY);
        helper("one", fails);
        world.advance(Duration.ofMinutes(5));
        for (int i = 0; i < 3; i++) {
            assertThat(source.credential(REGISTRY)).contains(user("u", "p"));
        }
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(1);
        world.advance(Duration.ofSeconds(10));
        assertThat(source.credential(REGISTRY)).contains(user("u", "p"));
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(2);

        source.refused(REGISTRY);
        assertThat(source.credential(REGISTRY)).contains(user("u", "p"));
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(3);
        assertThat(source.doubt()).hasValueSatisfying(why -> assertThat(why).hasMessageContaining("exit code 3"));

        helper("one", "echo '{\"Username\":\"u\",\"Secret\":\"new\"}'");
        source.refused(REGISTRY);
        assertThat(source.credential(REGISTRY)).contains(user("u", "new"));
        assertThat(source.doubt()).isEmpty();
    }

    @Test
    void thatAHelperKnewNoneIsNothingThatCountsWhenItFails() throws IOException {
        helper("one", "echo 'credentials not found in native keychain'; exit 1");
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"one\"}"));
        assertThat(source.credential(REGISTRY)).isEmpty();
        helper("one", "exit 3");
        world.advance(Duration.ofMinutes(5));

        assertThatThrownBy(() -> source.credential(REGISTRY)).hasMessageContaining("exit code 3");
    }

    @Test
    void helperThatFailedIsAskedAgainInTimeThoughTheClockWasSetBack() throws IOException {
        AtomicLong nanos = new AtomicLong(77);
        helper("bad", "exit 3");
        DockerConfigCredentials source = new DockerConfigCredentials(
                config("{\"credsStore\":\"bad\"}"),
                world.environment().withNanoTime(nanos::get).withVariables(Map.of("PATH", folder.toString())));
        assertThatThrownBy(() -> source.credential(REGISTRY)).hasMessageContaining("exit code 3");

        helper("bad", "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
        world.advance(Duration.ofHours(-1));
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(source.credential(REGISTRY)).contains(user("u", "p"));
    }

    /** As after a restart, with many pods that pull. */
    @Test
    void helperIsRunOnceForAllWhoWait() throws Exception {
        helper(
                "slow",
                "echo x >> \"" + folder + "/runs\"; read -r go < \"" + folder
                        + "/gate\"; echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
        assertThat(new ProcessBuilder("mkfifo", folder.resolve("gate").toString())
                        .start()
                        .waitFor())
                .isZero();
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"slow\"}"));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch begun = new CountDownLatch(8);
            List<Future<Optional<Credential>>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                all.add(threads.submit(() -> {
                    begun.countDown();
                    return source.credential(REGISTRY);
                }));
            }
            begun.await();
            // Opens when a helper reads: whoever comes later is given what that one said, or waits for it.
            Files.writeString(folder.resolve("gate"), "go\n");
            for (Future<Optional<Credential>> one : all) {
                assertThat(one.get()).contains(user("u", "p"));
            }
        }
        assertThat(Files.readAllLines(folder.resolve("runs"))).hasSize(1);
    }

    @Test
    void helperThatKnowsNoneAnyMoreIsBelievedAfterARefusal() throws IOException {
        helper("one", "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
        DockerConfigCredentials source = docker(config("{\"credsStore\":\"one\"}"));
        source.credential(REGISTRY);
        helper("one", "echo 'credentials not found in native keychain'; exit 1");
        source.refused(REGISTRY);

        assertThat(source.credential(REGISTRY)).isEmpty();
    }

    /** What a run that was begun before a refusal says is what was refused. */
    @Test
    void helperIsRunAnewAfterARefusalThoughOneIsRunning() throws Exception {
        helper("slow", """
                cd "$(dirname "$0")"
                echo x >> runs
                run=$(wc -l < runs | tr -d ' ')
                echo > "ready$run"
                read -r name < "gate$run"
                printf '{"Username":"%s","Secret":"p"}' "$name"
                """);
        for (int i = 1; i <= 2; i++) {
            assertThat(new ProcessBuilder("mkfifo", folder.resolve("gate" + i).toString())
                            .start()
                            .waitFor())
                    .isZero();
        }
        DockerConfigCredentials source = new DockerConfigCredentials(
                config("{\"credsStore\":\"slow\"}"),
                world.environment().withVariables(Map.of("PATH", folder.toString())));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Optional<Credential>> first = threads.submit(() -> source.credential(REGISTRY));
            while (!Files.exists(folder.resolve("ready1"))) {
                Thread.onSpinWait();
            }
            source.refused(REGISTRY);
            Future<Optional<Credential>> second = threads.submit(() -> source.credential(REGISTRY));
            Files.writeString(folder.resolve("gate2"), "new\n");
            assertThat(second.get()).contains(user("new", "p"));
            Files.writeString(folder.resolve("gate1"), "old\n");
            assertThat(first.get()).contains(user("old", "p"));
            assertThat(source.credential(REGISTRY)).contains(user("new", "p"));
        }
    }

    @Test
    void failWhereTheHelperIsMissingOrItsNameLeadsElsewhere() throws IOException {
        DockerConfigCredentials missing = docker(config("{\"credsStore\":\"missing\"}"));
        assertThatThrownBy(() -> missing.credential(REGISTRY)).hasMessageContaining("docker-credential-missing");

        DockerConfigCredentials elsewhere = docker(config("{\"credsStore\":\"../../bin/sh\"}"));
        assertThatThrownBy(() -> elsewhere.credential(REGISTRY)).hasMessageContaining("malformed");
    }

    @Test
    void endAHelperThatHangsWithAllThatItStarted() throws IOException {
        helper("slow", "echo $$ > \"" + folder + "/pid\"; sleep 600");
        CredentialHelper helper = new CredentialHelper(Map.of("PATH", folder.toString()), Duration.ofMillis(300));

        assertThatThrownBy(() -> helper.get("slow", "registry.test"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("docker-credential-slow");

        long pid = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        process.ifPresent(p -> p.onExit().join());
        assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    }
}
