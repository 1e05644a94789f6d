package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.net.ServerSocket;
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

    private static String proxy(Map<String, String> variables, String url) throws IOException {
        return new ProxyRules(Optional.empty(), variables)
                .proxyFor(Origin.of(URI.create(url)))
                .map(URI::toString)
                .orElse("direct");
    }

    @Test
    void chooseByTheSchemeOfTheTarget() throws IOException {
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
        assertThat(proxy(Map.of("https_proxy", " ", "all_proxy", "http://all.proxy:1"), "https://r.test"))
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
    void leaveOutWhatNoProxySays(String noProxy, String url, boolean direct) throws IOException {
        Map<String, String> variables = Map.of("http_proxy", "http://p:3128", "no_proxy", noProxy.replace(" ", ","));

        assertThat(proxy(variables, url).equals("direct")).isEqualTo(direct);
    }

    /** To go past it is not what was wanted. */
    @ParameterizedTest
    @CsvSource({
        "http_proxy,socks5://s3cret.proxy:1",
        "https_proxy,https://u:s3cret@p.test:3128",
        "HTTPS_PROXY,http://u:s3cret^@p.test:3128",
        "all_proxy,http://s3cret_proxy:3128",
        "ALL_PROXY,p.test:s3cret",
        "https_proxy,http://s3cret.test:99999",
        "http_proxy,http://bob:1234#s3cret@proxy.test:3128",
        "http_proxy,http://bob:1234/s3cret@proxy.test:3128",
        "http_proxy,http://bob:1234?s3cret@proxy.test:3128",
    })
    void variableThatNamesNoProxyIsRefusedByItsName(String name, String value) throws IOException {
        assertThatThrownBy(() -> new ProxyRules(Optional.empty(), Map.of(name, value)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the environment variable " + name + " names no proxy that can be used")
                .hasMessageContaining("http://USER:PASSWORD@HOST:PORT")
                .hasMessageNotContaining("s3cret")
                .hasNoCause();
        assertThat(new ProxyRules(Optional.empty(), Map.of(name, value, "no_proxy", "*"))
                        .proxyFor(Origin.of(URI.create("https://r.test"))))
                .isEmpty();
        URI configured = URI.create("http://p.test:3128");
        assertThat(new ProxyRules(Optional.of(configured), Map.of(name, value))
                        .proxyFor(Origin.of(URI.create("https://r.test"))))
                .contains(configured);
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

    /** Of a proxy that forbids nothing is known of the registry: a squid says 403, and 404 is not that of a tag. */
    @ParameterizedTest
    @CsvSource({
        "https,407,: it wants a user and a password (https_proxy",
        "http,407,: it wants a user and a password (https_proxy",
        "https,403,' in place of connecting'",
        "https,404,' in place of connecting'",
        "https,400,' in place of connecting'",
        "https,429,' in place of connecting'",
        "https,503,",
    })
    void faultsOfAProxyAreItsOwn(String scheme, int status, String more) throws IOException {
        try (RawServer proxy = new RawServer(request -> request.answer(status, ""))) {
            URI to = URI.create(proxy.url());
            RegistryEndpoint endpoint = TestWorld.endpoint(scheme + "://registry.invalid")
                    .withHttpProxy(URI.create("http://bob:s3cret@" + to.getAuthority()));
            try (RegistryClient client = new RegistryClient(endpoint, new TestWorld().environment())) {
                assertThatThrownBy(client::ping)
                        .isInstanceOf(OutageException.class)
                        .hasMessageContaining("the proxy " + to.getAuthority()
                                + " on the way to registry.invalid answered " + status
                                + (more == null ? "" : more))
                        .hasMessageNotContaining("s3cret");
            }
        }
    }

    @Test
    void aProxyThatIsNotThereIsNamedInPlaceOfTheRegistry() throws IOException {
        int port;
        try (ServerSocket closed = new ServerSocket(0)) {
            port = closed.getLocalPort();
        }
        for (String proxy : new String[] {"127.0.0.1:" + port, "proxy.invalid:3128"}) {
            RegistryEndpoint endpoint = TestWorld.endpoint("https://registry.invalid")
                    .withHttpProxy(URI.create("http://bob:s3cret@" + proxy));
            try (RegistryClient client = new RegistryClient(endpoint, new TestWorld().environment())) {
                assertThatThrownBy(client::ping)
                        .isInstanceOf(OutageException.class)
                        .hasMessageContaining("the proxy " + proxy + " on the way to registry.invalid "
                                + (proxy.startsWith("127") ? "refused the connection" : "does not resolve"))
                        .hasMessageNotContaining("s3cret");
            }
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
