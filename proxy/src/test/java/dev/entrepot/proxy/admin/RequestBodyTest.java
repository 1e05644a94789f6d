package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.proxy.admin.RequestBody.Key;
import dev.entrepot.proxy.admin.RequestBody.Kind;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class RequestBodyTest {
    private static final RequestBody FORM = RequestBody.of(
            Key.required("reference", Kind.TEXT),
            Key.optional("platforms", Kind.TEXTS),
            Key.optional("referrers", Kind.BOOLEAN));

    private static JsonNode read(RequestBody form, String body) {
        return form.read(body.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            delimiter = ';',
            value = {
                "{\"ref\":\"a\"}; unknown key \"ref\"",
                "{}; lacks the key \"reference\"",
                "||; lacks the key \"reference\"",
                "[]; no JSON object",
                "{; not JSON",
                "{\"reference\":1}; \"reference\" in the body must be a text",
                "{\"reference\":\"a\",\"platforms\":\"linux/amd64\"}; \"platforms\" in the body must be a list of texts",
                "{\"reference\":\"a\",\"platforms\":[1]}; \"platforms\" in the body must be a list of texts",
                "{\"reference\":\"a\",\"referrers\":\"false\"}; \"referrers\" in the body must be true or false"
            })
    void whatIsNotOfTheFormIsRefusedByName(String body, String message) {
        assertThatThrownBy(() -> read(FORM, body))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aRefusalNamesWhatIsAllowed() {
        assertThatThrownBy(() -> read(FORM, "{\"ref\":\"a\"}"))
                .hasMessageEndingWith("the keys here are \"reference\" (a text, required),"
                        + " \"platforms\" (a list of texts), \"referrers\" (true or false)");
        assertThatThrownBy(() -> read(RequestBody.of(), "{\"deep\":true}"))
                .hasMessageEndingWith("nothing is to be said here");
    }

    @Test
    void whatIsOfTheFormIsReadAndAnEmptyBodyIsAnEmptyObject() {
        assertThat(read(FORM, "{\"reference\":\"a\",\"platforms\":[\"linux/arm64\"]}")
                        .path("platforms")
                        .size())
                .isEqualTo(1);
        assertThat(read(RequestBody.of(), "").isEmpty()).isTrue();
    }
}
