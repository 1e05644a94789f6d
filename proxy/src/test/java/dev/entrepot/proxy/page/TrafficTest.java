package dev.entrepot.proxy.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class TrafficTest {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:30Z");

    private final Traffic traffic = new Traffic();
    private final Refusals refusals = new Refusals();

    private static RequestRecord request(Instant at, int status, long bytes, Optional<Verdict> verdict, String error) {
        return new RequestRecord(
                at.toEpochMilli(),
                null,
                "",
                "GET",
                "/v2/app/blobs/x",
                "",
                RequestKind.BLOB,
                status,
                bytes,
                1_000_000,
                verdict,
                RegistryHost.parse("registry.test"),
                "",
                Ending.COMPLETE,
                error.isEmpty() ? null : error.getBytes(StandardCharsets.UTF_8),
                false);
    }

    private void finish(Instant at, int status, long bytes, Verdict verdict) {
        traffic.started();
        traffic.finished(request(at, status, bytes, Optional.of(verdict), ""));
    }

    @Test
    void contentIsCountedByWhereItCameFromAndByMinute() {
        finish(NOW, 200, 100, Verdict.MISS);
        finish(NOW, 206, 300, Verdict.HIT);
        finish(NOW.minusSeconds(60), 200, 50, Verdict.JOINED);
        finish(NOW, 404, 90, Verdict.MISS);
        traffic.started();
        JsonNode json = traffic.json(NOW);
        assertThat(json.path("active").asLong()).isEqualTo(1);
        assertThat(json.path("requests").path("miss").asLong()).isEqualTo(1);
        assertThat(json.path("bytes").path("hit").asLong()).isEqualTo(300);
        assertThat(json.path("minutes").path(59).toString()).isEqualTo("[2,1,400,300]");
        assertThat(json.path("minutes").path(58).toString()).isEqualTo("[1,1,50,50]");
        assertThat(json.path("minutes").path(57).toString()).isEqualTo("[0,0,0,0]");
    }

    @Test
    void minuteOfAnHourAgoIsForgotten() {
        finish(NOW.minusSeconds(3600), 200, 100, Verdict.HIT);
        assertThat(traffic.json(NOW).path("minutes").toString()).doesNotContain("100");
        finish(NOW, 200, 7, Verdict.HIT);
        // Of a request that is told of late: it does not bring the old minute back.
        finish(NOW.minusSeconds(3600), 200, 100, Verdict.HIT);
        assertThat(traffic.json(NOW).path("minutes").path(59).path(0).asLong()).isEqualTo(2);
    }

    @Test
    void beingAskedWhoOneIsIsNoRefusalAndWrongCredentialsAre() {
        RequestRecord asked = request(NOW, 401, 0, Optional.empty(), "");
        refusals.finished(asked);
        assertThat(refusals.json().path("count").asInt()).isZero();
        refusals.finished(withCredentials(asked));
        assertThat(refusals.json().at("/refusals/0/kind").asString("")).isEqualTo("unauthorized");
    }

    private static RequestRecord withCredentials(RequestRecord request) {
        return new RequestRecord(
                request.startedMillis(),
                request.client(),
                request.user(),
                request.method(),
                request.path(),
                request.namespace(),
                request.kind(),
                request.status(),
                request.bodyBytes(),
                request.nanos(),
                request.verdict(),
                request.upstream(),
                request.userAgent(),
                request.ending(),
                request.error(),
                true);
    }

    @Test
    void lastRefusalsAreKeptAndOlderOnesCounted() {
        for (int i = 1; i <= Refusals.KEPT + 5; i++) {
            String error = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"reason " + i + "\"}]}";
            refusals.finished(request(NOW, 403, 0, Optional.empty(), error));
        }
        refusals.finished(request(NOW, 404, 0, Optional.of(Verdict.MISS), ""));
        refusals.finished(request(NOW, 200, 0, Optional.of(Verdict.HIT), ""));
        JsonNode json = refusals.json();
        assertThat(json.path("count").asInt()).isEqualTo(Refusals.KEPT + 5);
        assertThat(json.path("refusals").size()).isEqualTo(Refusals.KEPT);
        assertThat(json.path("refusals").path(0).path("reason").asString("")).isEqualTo("reason 205");
        assertThat(json.path("refusals").path(199).path("reason").asString("")).isEqualTo("reason 6");
    }
}
