package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {
    @ParameterizedTest
    @CsvSource({
        "http://bob:pw@127.0.0.1:1/a/b:v1 is no image, http://***@127.0.0.1:1/a/b:v1 is no image",
        "http://bob:p@w@127.0.0.1:1/a@sha256:01, http://***@127.0.0.1:1/a@sha256:01",
        "bob:p@w@registry.test/a@sha256:01, ***@registry.test/a@sha256:01",
        "bob:pw@registry.test/a:v1 is no image, ***@registry.test/a:v1 is no image",
        "invalid registry host \"bob:p-w@registry.test:5000\", invalid registry host \"***@registry.test:5000\"",
        "(bob:pw@[::1]:5000), (***@[::1]:5000)",
    })
    void userBeforeAHostIsTakenOut(String text, String masked) {
        assertThat(Redaction.of(text)).isEqualTo(masked);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "registry.test/team/app:v1@sha256:0123456789abcdef",
                "app:v1@sha256:0123456789abcdef has changed",
                "127.0.0.1:5000/team/app@sha256:0123456789abcdef",
                "layout:images.tar:v1@sha256:0123456789abcdef",
                "ask ops@example.test",
                "at dev.entrepot.proxy.Main$1@5e91993f:12",
            })
    void namesOfImagesStayAsTheyAre(String text) {
        assertThat(Redaction.of(text)).isEqualTo(text);
    }
}
