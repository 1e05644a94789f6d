package dev.entrepot.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URLConnection;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FakeUpstreamTest {
    private static final long SIZE = 200_000;

    @TempDir
    Path folder;

    @Test
    void blobsHaveTheirDigestsAndAreCounted() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(folder)) {
            BenchBlob first = upstream.blob(SIZE);
            BenchBlob second = upstream.blob(SIZE, OptionalLong.of(1L << 30), Duration.ZERO);

            assertThat(Digest.sha256(get(upstream, first.digest(), ""))).hasToString(first.digest());
            assertThat(Digest.sha256(get(upstream, second.digest(), ""))).hasToString(second.digest());
            assertThat(first.digest()).isNotEqualTo(second.digest());
            assertThat(first.gets()).hasValue(1);
            assertThat(first.bytesSent()).hasValue(SIZE);
        }
    }

    @Test
    void rangeGoesOnWhereAClientStopped() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(folder)) {
            String digest = upstream.blob(SIZE).digest();
            byte[] whole = get(upstream, digest, "");

            assertThat(get(upstream, digest, "bytes=150000-"))
                    .isEqualTo(Arrays.copyOfRange(whole, 150_000, whole.length));
            assertThat(get(upstream, digest, "bytes=199990-"))
                    .isEqualTo(Arrays.copyOfRange(whole, 199_990, whole.length));
        }
    }

    @Test
    void pullCountsEveryByteOfTheBody() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(folder)) {
            Place place = upstream.place();
            String digest = upstream.blob(SIZE).digest();

            Crowd crowd = Crowd.pull(place, 3, 2, place.blob(digest));

            assertThat(crowd.pulls()).hasSize(6).allMatch(pull -> pull.bytes() == SIZE);
        }
    }

    @Test
    void pullOfAnErrorIsNoMeasurement() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(folder)) {
            Place place = upstream.place();

            assertThatThrownBy(() -> Crowd.pull(place, 1, 1, place.blob("sha256:none")))
                    .hasRootCauseInstanceOf(IOException.class)
                    .hasMessageContaining("expected 200, got 404");
        }
    }

    @Test
    void silentUpstreamTakesRequestsAndAnswersNone() throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(folder)) {
            Place place = upstream.place();
            String digest = upstream.blob(SIZE).digest();
            upstream.fallSilent();
            URLConnection connection =
                    URI.create(place.root() + place.blob(digest)).toURL().openConnection();
            connection.setReadTimeout(200);

            assertThatThrownBy(connection::getInputStream).isInstanceOf(SocketTimeoutException.class);
        }
    }

    private static byte[] get(FakeUpstream upstream, String digest, String range) throws IOException {
        Place place = upstream.place();
        URLConnection connection =
                URI.create(place.root() + place.blob(digest)).toURL().openConnection();
        if (!range.isEmpty()) {
            connection.setRequestProperty("Range", range);
        }
        try (var in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }
}
