package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuotaHeadersTest {
    private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");
    private static final ApiRequest REQUEST = ApiRequest.of(
            Operation.MANIFEST, "test", "GET", URI.create("http://registry.test/v2/"), Priority.INTERACTIVE);

    private static QuotaHeaders headers(String... fields) throws IOException {
        BasicClassicHttpResponse response = new BasicClassicHttpResponse(200);
        for (int i = 0; i < fields.length; i += 2) {
            response.addHeader(fields[i], fields[i + 1]);
        }
        return QuotaHeaders.of(new ApiResponse(REQUEST, response, () -> {}), NOW);
    }

    @Test
    void dockerHubSaysLimitWindowAndSource() throws IOException {
        QuotaHeaders hub = headers(
                "ratelimit-limit", "100;w=21600",
                "ratelimit-remaining", "20;w=21600",
                "docker-ratelimit-source", "2001:db8::7");
        assertThat(hub.limit()).hasValue(100);
        assertThat(hub.remaining()).hasValue(20);
        assertThat(hub.window()).contains(Duration.ofHours(6));
        assertThat(hub.source()).contains("2001:db8::7");
        assertThat(hub.reset()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset",
        "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
        "X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Reset"
    })
    void allSpellingsAreRead(String limit, String remaining, String reset) throws IOException {
        QuotaHeaders headers = headers(limit, "10, 50;w=60, 10 ; w = 1", remaining, " 3 ", reset, "50");
        assertThat(headers.limit()).hasValue(10);
        assertThat(headers.remaining()).hasValue(3);
        assertThat(headers.window()).contains(Duration.ofSeconds(1));
        assertThat(headers.reset()).contains(NOW.plusSeconds(50));
    }

    @Test
    void resetMayBeATimeSince1970() throws IOException {
        Instant end = NOW.plusSeconds(3600);
        assertThat(headers("X-RateLimit-Reset", Long.toString(end.getEpochSecond()))
                        .reset())
                .contains(end);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "-1",
                "NaN",
                "Infinity",
                "1e9",
                "0x10",
                "1.5",
                "9999999999999",
                "99999999999999999999999999",
                "ten",
                "5;w=6;w=7",
                "5;x=1",
                ";w=60",
                ",",
                ",,,,,,,,,,,,,,,",
                "٣",
                "5\u0000",
                "+5"
            })
    void valuesThatMakeNoSenseAreNotThere(String value) throws IOException {
        QuotaHeaders headers =
                headers("RateLimit-Limit", value, "RateLimit-Remaining", value, "RateLimit-Reset", value);
        assertThat(headers).isEqualTo(QuotaHeaders.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"100;w=0", "100;w=604801", "100;w=999999999"})
    void windowsOfNothingOrOfMoreThanAWeekAreNotThere(String value) throws IOException {
        QuotaHeaders headers = headers("RateLimit-Limit", value);
        assertThat(headers.limit()).hasValue(100);
        assertThat(headers.window()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "604801", "1000000000", "4102444800", "999999999999"})
    void endsOfWindowsInThePastOrFarAwayAreNotThere(String value) throws IOException {
        assertThat(headers("RateLimit-Reset", value).reset()).isEmpty();
    }

    @Test
    void limitOfZeroIsNoLimitAndAStrangeSourceIsNone() throws IOException {
        QuotaHeaders headers = headers("RateLimit-Limit", "0", "docker-ratelimit-source", "<script>");
        assertThat(headers.limit()).isEqualTo(OptionalLong.empty());
        assertThat(headers.source()).isEmpty();
        assertThat(headers("docker-ratelimit-source", "a".repeat(65)).source()).isEmpty();
    }
}
