package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidNameException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTargetTest {
    @ParameterizedTest
    @ValueSource(strings = {"/", "/v2/", "/v2/a/manifests/1", "/v2/a%3Ab/x", "/v2/a-._~!$&'()*+,;=:@/b"})
    void pathsAreTakenAsTheyAre(String path) {
        assertThat(RequestTarget.of(path, "mirror.test:5000")).isEqualTo(new RequestTarget(path, "mirror.test:5000"));
    }

    @ParameterizedTest
    @CsvSource({
        "http://other.test:8080/v2/a/tags/list, /v2/a/tags/list, other.test:8080",
        "https://other.test/, /, other.test",
        "HTTP://[::1]:80/v2/, /v2/, [::1]:80"
    })
    void aWholeUrlNamesTheHostItself(String target, String path, String host) {
        assertThat(RequestTarget.of(target, "mirror.test")).isEqualTo(new RequestTarget(path, host));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "v2/",
                "*",
                "http://",
                "http:///v2/",
                "http://host",
                "ftp://host/v2/",
                "/v2/%",
                "/v2/%4",
                "/v2/%zz",
                "/v2/a b",
                "/v2/a\"b",
                "/v2/<a>",
                "/v2/a\\b",
                "/v2/a\u0000",
                "/v2/\u00e4",
                "/v2/a\ufffd",
                "http://user@host/v2/",
                "http://docker.io:x@mirror.test/v2/",
                "http://a#b/v2/",
                "http://a b/",
                "http://a\u0000/",
                "/v2/{a}",
                "/v2/a|b",
                "/v2/[a]"
            })
    void whatIsNoTargetIsRefused(String target) {
        assertThatThrownBy(() -> RequestTarget.of(target, "mirror.test")).isInstanceOf(InvalidNameException.class);
    }

    @Test
    void aWholeUrlIsServedAsItsPathIs() throws Exception {
        try (ServerFixture fixture = new ServerFixture();
                RawConnection client = fixture.connect()) {
            client.send("GET http://mirror.test/v2/ HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n");
            assertThat(client.read(false).status()).isEqualTo(200);
            client.send("GET http://mirror.test/nothing HTTP/1.1\r\nHost: mirror.test\r\n\r\n");
            assertThat(client.read(false).status()).isEqualTo(404);
        }
    }
}
