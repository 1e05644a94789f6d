package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpDatesTest {
    private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Sun, 06 Nov 1994 08:49:37 GMT|1994-11-06T08:49:37Z",
                "Sunday, 06-Nov-94 08:49:37 GMT|1994-11-06T08:49:37Z",
                "Sun Nov  6 08:49:37 1994|1994-11-06T08:49:37Z",
                "Friday, 20-Nov-26 10:02:00 GMT|2026-11-20T10:02:00Z",
                "Fri Nov 20 10:02:00 2026|2026-11-20T10:02:00Z",
                "Friday, 20-Nov-76 10:02:00 GMT|2076-11-20T10:02:00Z",
                "Sunday, 20-Nov-77 10:02:00 GMT|1977-11-20T10:02:00Z"
            })
    void readsTheThreeFormsOfADate(String text, Instant expected) {
        assertThat(HttpDates.parse(text, NOW)).contains(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "Monday, 20-Nov-26 10:02:00 GMT", "2026-11-20T10:02:00Z", "Nov 20 10:02:00"})
    void readsNothingElse(String text) {
        assertThat(HttpDates.parse(text, NOW)).isEmpty();
    }
}
