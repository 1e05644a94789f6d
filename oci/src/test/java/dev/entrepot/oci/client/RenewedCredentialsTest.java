package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RenewedCredentialsTest {
    private static final Duration LIFE = Duration.ofHours(12);

    private final TestWorld world = new TestWorld();
    private final AtomicInteger issued = new AtomicInteger();
    private final AtomicReference<Optional<IOException>> failure = new AtomicReference<>(Optional.empty());
    private final RenewedCredentials credentials =
            new RenewedCredentials("a token", "robot", this::issue, world.environment());

    private RenewedCredentials.Issued issue() throws IOException {
        int count = issued.incrementAndGet();
        if (failure.get().isPresent()) {
            throw failure.get().get();
        }
        return new RenewedCredentials.Issued(
                new Credential.UserPassword("robot", "p" + count),
                world.instant().plus(LIFE));
    }

    private String password() throws IOException {
        return credentials.credential(TestWorld.REGISTRY).orElseThrow() instanceof Credential.UserPassword user
                ? user.password()
                : "";
    }

    private void awaitIssued(int count) {
        while (issued.get() < count) {
            Thread.onSpinWait();
        }
    }

    private void awaitPassword(String expected) throws IOException {
        while (!password().equals(expected)) {
            Thread.onSpinWait();
        }
    }

    private static OutageException outage() {
        return new OutageException(Reason.TOKEN_SERVICE, "out");
    }

    @Test
    void nobodyIsAskedUntilTheyAreNeeded() throws IOException {
        assertThat(credentials.account()).contains("robot");
        assertThat(issued).hasValue(0);
        assertThat(password()).isEqualTo("p1");
        assertThat(password()).isEqualTo("p1");
        assertThat(issued).hasValue(1);
    }

    @Test
    void areRenewedBehindTheRequestsAtFourFifthsOfTheirLife() throws IOException {
        password();
        world.advance(LIFE.multipliedBy(4).dividedBy(5).minusSeconds(1));
        password();
        assertThat(issued).hasValue(1);
        world.advance(Duration.ofSeconds(1));
        assertThat(password()).isEqualTo("p1");
        awaitPassword("p2");
        assertThat(issued).hasValue(2);
    }

    @Test
    void areUsedToTheirEndWhileWhoIssuesThemIsOutAndHeIsAskedEveryTenSecondsOnly() throws IOException {
        password();
        failure.set(Optional.of(outage()));
        world.advance(Duration.ofHours(11));
        password();
        awaitIssued(2);
        for (int i = 0; i < 100; i++) {
            assertThat(password()).isEqualTo("p1");
        }
        assertThat(issued).hasValueLessThanOrEqualTo(3);
        world.advance(Duration.ofHours(1));
        assertThatThrownBy(this::password).isInstanceOf(OutageException.class).hasMessage("out");
        // The first may have met the end of one that was begun before the time went on.
        assertThatThrownBy(this::password).isInstanceOf(OutageException.class).hasMessage("out");
        int asked = issued.get();
        assertThatThrownBy(this::password).isInstanceOf(OutageException.class);
        assertThat(issued).hasValue(asked);
        failure.set(Optional.empty());
        world.advance(Duration.ofSeconds(10));
        assertThat(password()).isEqualTo("p" + (asked + 1));
    }

    @Test
    void areAskedForAnewWhenTheRegistryRefusesThemUnlessTheyAreYoung() throws IOException {
        password();
        credentials.refused(TestWorld.REGISTRY);
        assertThat(password()).isEqualTo("p1");
        world.advance(Duration.ofMinutes(1));
        credentials.refused(TestWorld.REGISTRY);
        assertThat(password()).isEqualTo("p2");
    }

    /** Anybody may ask for a repository that the account has no rights to. */
    @Test
    void thatWereRefusedStillCountWhileNobodyIssuesOthers() throws IOException {
        password();
        world.advance(Duration.ofMinutes(1));
        failure.set(Optional.of(outage()));
        credentials.refused(TestWorld.REGISTRY);
        for (int i = 0; i < 100; i++) {
            assertThat(password()).isEqualTo("p1");
        }
        assertThat(issued).hasValue(2);
        failure.set(Optional.empty());
        world.advance(Duration.ofSeconds(10));
        assertThat(password()).isEqualTo("p1");
        credentials.refused(TestWorld.REGISTRY);
        assertThat(password()).isEqualTo("p3");
        assertThat(password()).isEqualTo("p3");
        assertThat(issued).hasValue(3);
    }

    /** A machine whose clock ran ahead, until somebody set it. */
    @Test
    void areRenewedAndAskedForInTimeThoughTheWallClockWasSetBack() throws IOException {
        AtomicLong nanos = new AtomicLong(77);
        RenewedCredentials steady = new RenewedCredentials(
                "a token", "robot", this::issue, world.environment().withNanoTime(nanos::get));
        failure.set(Optional.of(outage()));
        assertThatThrownBy(() -> steady.credential(TestWorld.REGISTRY)).isInstanceOf(OutageException.class);
        failure.set(Optional.empty());
        world.advance(Duration.ofHours(-20));
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(steady.credential(TestWorld.REGISTRY)).contains(new Credential.UserPassword("robot", "p2"));

        world.advance(Duration.ofHours(-20));
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());
        steady.refused(TestWorld.REGISTRY);
        assertThat(steady.credential(TestWorld.REGISTRY)).contains(new Credential.UserPassword("robot", "p3"));

        world.advance(Duration.ofHours(-20));
        nanos.addAndGet(LIFE.toNanos());
        assertThat(steady.credential(TestWorld.REGISTRY)).contains(new Credential.UserPassword("robot", "p4"));
    }

    /** A machine that slept, or whose clock was behind when they were issued. */
    @Test
    void endWhenTheWallClockSaysSoThoughLessTimeHasPassed() throws IOException {
        RenewedCredentials steady = new RenewedCredentials(
                "a token", "robot", this::issue, world.environment().withNanoTime(() -> 77));
        assertThat(steady.credential(TestWorld.REGISTRY)).contains(new Credential.UserPassword("robot", "p1"));
        world.advance(LIFE);
        assertThat(steady.credential(TestWorld.REGISTRY)).contains(new Credential.UserPassword("robot", "p2"));
    }

    /** A date that no calendar has, for example, in an answer of somebody else. */
    @Test
    void faultOfTheProgramIsAnOutageAndNobodyIsAskedForTenSeconds() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        RenewedCredentials faulty = new RenewedCredentials(
                "a token",
                "robot",
                () -> {
                    if (asked.incrementAndGet() == 1) {
                        throw new IllegalStateException("not foreseen");
                    }
                    return new RenewedCredentials.Issued(
                            new Credential.BearerToken("t"), world.instant().plus(LIFE));
                },
                world.environment());

        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> faulty.credential(TestWorld.REGISTRY))
                    .isInstanceOfSatisfying(
                            OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TOKEN_SERVICE));
        }
        assertThat(asked).hasValue(1);
        world.advance(Duration.ofSeconds(10));
        assertThat(faulty.credential(TestWorld.REGISTRY)).contains(new Credential.BearerToken("t"));
    }

    @Test
    void thatHaveExpiredAlreadyAreAnOutage() {
        RenewedCredentials old = new RenewedCredentials(
                "a token",
                "robot",
                () -> new RenewedCredentials.Issued(new Credential.BearerToken("t"), world.instant()),
                world.environment());

        assertThatThrownBy(() -> old.credential(TestWorld.REGISTRY)).isInstanceOf(OutageException.class);
    }

    @Test
    void areIssuedOnceForAllWhoWait() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        AtomicInteger count = new AtomicInteger();
        RenewedCredentials slow = new RenewedCredentials(
                "a token",
                "robot",
                () -> {
                    try {
                        gate.await();
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                    return new RenewedCredentials.Issued(
                            new Credential.BearerToken("t" + count.incrementAndGet()),
                            world.instant().plus(LIFE));
                },
                world.environment());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Optional<Credential>>> waiting = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                waiting.add(threads.submit(() -> slow.credential(TestWorld.REGISTRY)));
            }
            gate.countDown();
            for (Future<Optional<Credential>> one : waiting) {
                assertThat(one.get()).contains(new Credential.BearerToken("t1"));
            }
        }
    }

    private CredentialSource program(Path folder, String script) throws IOException {
        Path file = Files.writeString(folder.resolve("login"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        Program program =
                new Program(List.of("login", "--now"), Map.of("PATH", folder.toString()), Duration.ofSeconds(10));
        return ExecCredentials.of(program, TestWorld.REGISTRY, world.environment());
    }

    @Test
    void ofAProgramLiveAsLongAsItSays(@TempDir Path folder) throws IOException {
        CredentialSource source = program(folder, """
                read -r server || true
                echo run >> "$(dirname "$0")/runs"
                printf '{"Username":"%s","Secret":"%s","Expiration":"2026-11-20T11:00:00+00:00"}' "$server" "$1"
                """);
        assertThat(source.credential(TestWorld.REGISTRY))
                .contains(new Credential.UserPassword("registry.test", "--now"));
        world.advance(Duration.ofMinutes(47));
        source.credential(TestWorld.REGISTRY);
        assertThat(folder.resolve("runs")).hasContent("run");
        assertThat(source.account()).contains("login");
    }

    /** As of AWS's {@code credential_process}: without a time they do not end. */
    @Test
    void ofAProgramThatSaysNoTimeAreAskedForAgainAfterFiveMinutesAndCountWhereItFailsThen(@TempDir Path folder)
            throws IOException {
        String runs = "echo run >> \"$(dirname \"$0\")/runs\"\n";
        CredentialSource source = program(folder, runs + "echo '{\"Secret\":\"old\"}'");
        Credential old = source.credential(TestWorld.REGISTRY).orElseThrow();
        world.advance(Duration.ofMinutes(3));
        source.credential(TestWorld.REGISTRY);
        assertThat(folder.resolve("runs")).hasContent("run");

        program(folder, runs + "exit 3");
        world.advance(Duration.ofMinutes(2));
        for (int i = 0; i < 3; i++) {
            assertThat(source.credential(TestWorld.REGISTRY)).contains(old);
        }
        assertThat(folder.resolve("runs")).hasContent("run\nrun");

        program(folder, runs + "echo '{\"Secret\":\"new\"}'");
        world.advance(Duration.ofSeconds(10));
        assertThat(source.credential(TestWorld.REGISTRY)).isPresent().isNotEqualTo(Optional.of(old));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "echo s3cret; exit 3|failed with exit code 3",
                "echo s3cret|something that is not JSON",
                "echo '{\"Username\":\"s3cret\"}'|without a Secret",
                "echo '{\"Secret\":\"s3cret\",\"Expiration\":\"soon\"}'|no time of RFC 3339",
                "echo '{\"Secret\":\"s3cret\",\"Expiration\":\"2026-11-20T09:00:00Z\"}'|have expired",
            })
    void ofAProgramThatFailsSayWhyAndShowNothingOfIt(String script, String message, @TempDir Path folder)
            throws IOException {
        CredentialSource source = program(folder, script);

        assertThatThrownBy(() -> source.credential(TestWorld.REGISTRY))
                .hasMessageContaining("login")
                .hasMessageContaining(message)
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void forWhichThereWasNoThreadAreAskedForByTheNext() throws IOException {
        AtomicInteger threads = new AtomicInteger();
        RenewedCredentials scarce =
                new RenewedCredentials("a token", "robot", this::issue, world.environment(), task -> {
                    boolean first = threads.incrementAndGet() == 1;
                    return new Thread(task) {
                        @Override
                        public void start() {
                            if (first) {
                                throw new OutOfMemoryError("unable to create native thread");
                            }
                            super.start();
                        }
                    };
                });
        assertThatThrownBy(() -> scarce.credential(TestWorld.REGISTRY)).isInstanceOf(OutOfMemoryError.class);

        assertThat(scarce.credential(TestWorld.REGISTRY)).isPresent();
    }
}
