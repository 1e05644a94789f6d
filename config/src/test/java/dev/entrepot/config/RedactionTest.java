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
        "\"https://bob:p/w@registry.test/a:v1\" is none, \"https://***@registry.test/a:v1\" is none",
        "http://bob:p/w@127.0.0.1:1/a@sha256:01, http://***@127.0.0.1:1/a@sha256:01",
        "http://bob:/p//w/@[::1]:1/a:v1@sha512:01, http://***@[::1]:1/a:v1@sha512:01",
        "https://bob:p@/w@registry.test/a, https://***@registry.test/a",
        "https://bob:p/w@x@registry.test/a, https://***@registry.test/a",
        "https://:1234567/w@registry.test/a, https://***@registry.test/a",
        "https://bob:12/pw@registry.test:5000 and https://bob:1a/w@b.test, https://bob:12/pw@registry.test:5000 and https://***@b.test",
        "http://bob:p?/w@registry.test/a?b=c, http://***@registry.test/a?***",
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
                "https://registry.test/team/app@sha256:0123456789abcdef",
                "https://registry.test:5000/team/app:v1@sha256:0123456789abcdef",
                "https://registry.test/team/app:v1@registry",
                "https://registry.test:443/@team/app, of ops@example.test",
                "http://[2001:db8::1]:5000/@team/app",
                "http://[2001:db8::1]/team/app@sha512:0123456789abcdef",
                "docker://alpine:3.19@sha256:0123456789abcdef",
                "oci://images:v1/team@sha256:0123456789abcdef",
                "layout:/srv/images@2026/app:v1",
                "registry.test:5000/team/@app/x@sha256:0123456789abcdef",
                "https://a.test:443 and https://b.test:443/x, asked by ops@example.test",
                "at dev.entrepot.proxy.Main$1@5e91993f:12",
            })
    void namesOfImagesStayAsTheyAre(String text) {
        assertThat(Redaction.of(text)).isEqualTo(text);
    }
}
