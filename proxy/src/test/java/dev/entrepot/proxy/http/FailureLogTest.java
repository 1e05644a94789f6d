package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.UnauthorizedException;
import java.io.EOFException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Why a request failed is in the log, and an upstream that is out does not fill it. */
class FailureLogTest {
    private static final Repository APP = Repository.parse("docker.io/library/app");
    private static final Repository OTHER = Repository.parse("docker.io/library/other");
    private static final Repository ELSEWHERE = Repository.parse("quay.io/team/app");
    private static final String PATH = "/v2/app/manifests/1";

    private final List<String> said = new CopyOnWriteArrayList<>();
    private final List<Logger> logs =
            List.of(Logger.getLogger(FailureLog.class.getName()), Logger.getLogger(FrontDoor.class.getName()));
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord event) {
            said.add(event.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong outagesOver = new AtomicLong();
    private final FailureLog failures =
            new FailureLog(upstream -> upstream.equals(APP.registry()) ? outagesOver.get() : 0, nanos::get);

    @BeforeEach
    void listen() {
        logs.forEach(log -> log.addHandler(handler));
    }

    @AfterEach
    void stop() {
        logs.forEach(log -> log.removeHandler(handler));
    }

    @Test
    void causeOfAFailureBeforeTheFirstByteIsSaidOnce() throws Exception {
        try (ServerFixture fixture = new ServerFixture();
                RawConnection client = fixture.connect()) {
            Digest digest = Digest.sha256(new byte[0]);
            fixture.repositories.failure = Optional.of(new InvalidContentException("its digest is another"));
            for (int i = 0; i < 3; i++) {
                assertThat(client.get("/v2/app/blobs/" + digest).status()).isEqualTo(502);
            }
            assertThat(said).hasSize(1);
            assertThat(said.getFirst()).contains(APP.toString(), digest.toString(), "its digest is another");
            fixture.repositories.failure = Optional.of(new UnauthorizedException(403, "our account may not"));
            assertThat(client.get("/v2/app/manifests/1").status()).isEqualTo(403);
            assertThat(said).hasSize(2);
            assertThat(said.getLast()).contains("/v2/app/manifests/1", "our account may not");
        }
    }

    @Test
    void contentThatFailsWhenItIsReadIsSaidToo() throws Exception {
        try (ServerFixture fixture = new ServerFixture();
                RawConnection client = fixture.connect()) {
            Digest blob = fixture.repositories.blob(APP.toString(), new byte[100]);
            fixture.repositories.trouble = Optional.of(position -> {
                throw new OutageException(OutageException.Reason.TIMEOUT, "no byte came");
            });
            assertThat(client.get("/v2/app/blobs/" + blob).status()).isEqualTo(504);
            assertThat(said).singleElement().asString().contains(blob.toString(), "no byte came");
        }
    }

    @Test
    void eachUpstreamAndKindOfCauseIsSaidAgainAfterTenMinutes() {
        OutageException reset = new OutageException(OutageException.Reason.UNREACHABLE, "reset");
        OutageException timeout = new OutageException(OutageException.Reason.TIMEOUT, "no answer");
        failures.failed(reset, APP, PATH);
        failures.failed(reset, OTHER, PATH);
        assertThat(said).hasSize(1);
        failures.failed(timeout, APP, PATH);
        failures.failed(reset, ELSEWHERE, PATH);
        assertThat(said).hasSize(3);
        // What is known to be out is not asked: the same cause.
        failures.failed(
                OutageException.notAsked(OutageException.Reason.TIMEOUT, "not asked", Duration.ofSeconds(5)),
                APP,
                PATH);
        assertThat(said).hasSize(3);
        nanos.addAndGet(Duration.ofMinutes(10).toNanos());
        failures.failed(reset, APP, PATH);
        assertThat(said).hasSize(4);
    }

    private static OutageException notAsked() {
        return OutageException.notAsked(
                OutageException.Reason.UNREACHABLE, "not asked (refused)", Duration.ofSeconds(5));
    }

    @Test
    void refusalOfABreakerDoesNotHideTheCause() {
        failures.failed(notAsked(), APP, PATH);
        failures.failed(notAsked(), APP, PATH);
        assertThat(said).hasSize(1);
        failures.failed(new OutageException(OutageException.Reason.UNREACHABLE, "refused"), APP, PATH);
        assertThat(said).hasSize(2).last().asString().contains("refused");
        failures.failed(notAsked(), APP, PATH);
        assertThat(said).hasSize(2);
    }

    @Test
    void nextOutageIsSaidAnewAndAnUpstreamThatComesAndGoesDoesNotFillTheLog() {
        OutageException refused = new OutageException(OutageException.Reason.UNREACHABLE, "refused");
        failures.failed(refused, APP, PATH);
        nanos.addAndGet(Duration.ofSeconds(36).toNanos());
        outagesOver.incrementAndGet();
        failures.failed(refused, APP, PATH);
        failures.failed(refused, APP, PATH);
        failures.failed(refused, ELSEWHERE, PATH);
        failures.failed(refused, ELSEWHERE, PATH);
        assertThat(said).hasSize(3);
        said.clear();
        for (int i = 0; i < 100; i++) {
            outagesOver.incrementAndGet();
            failures.failed(refused, APP, PATH);
        }
        assertThat(said).hasSize(4);
        nanos.addAndGet(Duration.ofMinutes(10).toNanos());
        failures.failed(refused, APP, PATH);
        assertThat(said).hasSize(5);
    }

    @Test
    void causeOfABodyThatIsCutIsSaidWithoutTheNameOfAClass() throws Exception {
        try (ServerFixture fixture = new ServerFixture();
                RawConnection client = fixture.connect()) {
            Digest blob = fixture.repositories.blob(APP.toString(), new byte[1_000_000]);
            fixture.repositories.trouble = Optional.of(position -> {
                if (position > 500_000) {
                    throw new OutageException(OutageException.Reason.TIMEOUT, "no byte came");
                }
            });
            client.send("GET /v2/app/blobs/" + blob + " HTTP/1.1\r\nHost: mirror.test\r\n\r\n");
            assertThatThrownBy(() -> client.read(false)).isInstanceOf(EOFException.class);
            assertThat(fixture.nextRecord().ending()).isEqualTo(RequestRecord.Ending.CUT);
            assertThat(said)
                    .singleElement()
                    .asString()
                    .contains("was cut after")
                    .endsWith(" bytes: no byte came");
        }
    }

    @Test
    void whatNobodyCanProveIsSaid() {
        failures.failed(new BlockedException(BlockedException.Kind.UNVERIFIABLE, "schema 1"), APP, PATH);
        assertThat(said).hasSize(1);
    }

    @Test
    void answersAreNotSaid() {
        failures.failed(new NotFoundException(NotFoundException.Kind.MANIFEST, "none"), APP, PATH);
        failures.failed(new BlockedException(BlockedException.Kind.DENIED, "a rule"), APP, PATH);
        failures.failed(new OutageException(OutageException.Reason.NOT_ASKED, "offline by a rule"), APP, PATH);
        assertThat(said).isEmpty();
    }
}
