package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.net.URI;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxyRulesTest {
    private static final Map<String, String> BOTH =
            Map.of("http_proxy", "http://plain.proxy:3128", "https_proxy", "secure.proxy:3129");

    private static String proxy(Map<String, String> variables, String url) {
        return new ProxyRules(Optional.empty(), variables)
                .proxyFor(Origin.of(URI.create(url)))
                .map(URI::toString)
                .orElse("direct");
    }

    @Test
    void chooseByTheSchemeOfTheTarget() {
        assertThat(proxy(BOTH, "http://r.test")).isEqualTo("http://plain.proxy:3128");
        assertThat(proxy(BOTH, "https://r.test")).isEqualTo("http://secure.proxy:3129");
        assertThat(proxy(Map.of(), "https://r.test")).isEqualTo("direct");
        assertThat(proxy(Map.of("all_proxy", "http://all.proxy:1"), "https://r.test"))
                .isEqualTo("http://all.proxy:1");
        assertThat(proxy(Map.of("HTTPS_PROXY", "http://upper.proxy:1"), "https://r.test"))
                .isEqualTo("http://upper.proxy:1");
        // A CGI server would set it from a request header.
        assertThat(proxy(Map.of("HTTP_PROXY", "http://upper.proxy:1"), "http://r.test"))
                .isEqualTo("direct");
        assertThat(proxy(Map.of("http_proxy", "socks5://s.proxy:1"), "http://r.test"))
                .isEqualTo("direct");
    }

    @ParameterizedTest
    @CsvSource({
        "r.test,http://r.test,true",
        "r.test,http://sub.r.test,true",
        "r.test,http://other-r.test,false",
        ".r.test,http://sub.r.test,true",
        ".r.test,http://r.test,true",
        "*.r.test,http://sub.r.test,true",
        "R.TEST,http://r.test,true",
        "*,http://anything.test,true",
        "a.test b.test,http://b.test,true",
        "r.test:5000,http://r.test:5000,true",
        "r.test:5000,http://r.test,false",
        "10.0.0.0/8,http://10.1.2.3,true",
        "10.0.0.0/8,http://11.1.2.3,false",
        "10.1.2.3,http://10.1.2.3,true",
        "fd00::/8,http://[fd00::1],true",
        "10.0.0.0/x,http://10.1.2.3,false",
        "'',http://r.test,false",
        "'',http://localhost:5000,true",
        "'',http://127.0.0.1:5000,true",
        "'',http://[::1]:5000,true"
    })
    void leaveOutWhatNoProxySays(String noProxy, String url, boolean direct) {
        Map<String, String> variables = Map.of("http_proxy", "http://p:3128", "no_proxy", noProxy.replace(" ", ","));

        assertThat(proxy(variables, url).equals("direct")).isEqualTo(direct);
    }

    @Test
    void requestsGoThroughTheConfiguredProxyWithItsPassword() throws IOException {
        AtomicReference<String> authorization = new AtomicReference<>("");
        try (RawServer proxy = new RawServer(request -> {
            if (request.headers.containsKey("Proxy-Authorization")) {
                authorization.set(request.headers.get("Proxy-Authorization"));
                request.answer(200, "{}");
            } else {
                request.answer(407, "", "Proxy-Authenticate: Basic realm=\"p\"");
            }
        })) {
            RegistryEndpoint endpoint = TestWorld.endpoint("http://registry.invalid:5000")
                    .withHttpProxy(URI.create(proxy.url().replace("http://", "http://bob:s3cret@")));
            try (RegistryClient client = new RegistryClient(endpoint, new TestWorld().environment())) {
                client.ping();
            }

            assertThat(proxy.requests).last().isEqualTo("GET http://registry.invalid:5000/v2/");
            assertThat(authorization.get())
                    .isEqualTo("Basic " + Base64.getEncoder().encodeToString("bob:s3cret".getBytes()));
        }
    }

    @Test
    void aProxyThatRefusesIsAnOutage() throws IOException {
        try (RawServer proxy = new RawServer(request -> request.answer(503, ""))) {
            RegistryEndpoint endpoint =
                    TestWorld.endpoint("https://registry.invalid").withHttpProxy(URI.create(proxy.url()));
            try (RegistryClient client = new RegistryClient(endpoint, new TestWorld().environment())) {
                assertThatThrownBy(client::ping).isInstanceOf(OutageException.class);
            }
            assertThat(proxy.requests.getFirst()).isEqualTo("CONNECT registry.invalid:443");
        }
    }
}
