package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.impl.routing.DefaultRoutePlanner;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.pool.PoolReusePolicy;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** Sets up the HTTP library: connections, TLS, proxies and bounds, with everything that it does by itself switched off. */
final class HttpTransport {
    private static final int MAX_HEADER_LINE_BYTES = 64 * 1024;
    private static final int MAX_HEADER_LINES = 200;
    // Uploads and token requests go past the limiter.
    private static final int SPARE_CONNECTIONS = 8;

    private HttpTransport() {}

    /**
     * A client for one registry. Its owner closes it.
     *
     * @throws IOException if the TLS files cannot be read
     */
    static CloseableHttpClient open(
            RegistryEndpoint endpoint, ProxyRules proxies, DnsResolver resolver, String userAgent) throws IOException {
        HttpClientBuilder builder = HttpClients.custom()
                .setConnectionManager(connections(endpoint, resolver))
                .setUserAgent(userAgent)
                .disableContentCompression()
                .disableCookieManagement()
                .disableAuthCaching()
                .disableRedirectHandling()
                .disableAutomaticRetries()
                .setRoutePlanner(new RoutePlanner(proxies));
        boolean proxyAsksForPassword = configureProxyCredentials(builder, proxies.all());
        return builder.setDefaultRequestConfig(RequestConfig.custom()
                        .setConnectionRequestTimeout(Timeout.ofSeconds(10))
                        .setResponseTimeout(timeout(endpoint.progressTimeout()))
                        .setAuthenticationEnabled(proxyAsksForPassword)
                        .setProtocolUpgradeEnabled(false)
                        .build())
                .build();
    }

    private static PoolingHttpClientConnectionManager connections(RegistryEndpoint endpoint, DnsResolver resolver)
            throws IOException {
        Duration handshake = endpoint.connectTimeout().multipliedBy(2);
        int perRoute = 2 * endpoint.maxConcurrentRequests() + endpoint.maxConcurrentBodies() + SPARE_CONNECTIONS;
        return PoolingHttpClientConnectionManagerBuilder.create()
                .setPoolConcurrencyPolicy(PoolConcurrencyPolicy.LAX)
                .setConnPoolPolicy(PoolReusePolicy.LIFO)
                .setMaxConnPerRoute(perRoute)
                .setMaxConnTotal(perRoute)
                .setDnsResolver(resolver)
                .setConnectionFactory(ManagedHttpClientConnectionFactory.builder()
                        .http1Config(Http1Config.custom()
                                .setMaxLineLength(MAX_HEADER_LINE_BYTES)
                                .setMaxHeaderCount(MAX_HEADER_LINES)
                                .build())
                        .build())
                .setTlsSocketStrategy(ClientTlsStrategyBuilder.create()
                        .setSslContext(endpoint.tls().sslContext())
                        .buildClassic())
                .setDefaultTlsConfig(TlsConfig.custom()
                        .setHandshakeTimeout(timeout(handshake))
                        .build())
                .setDefaultSocketConfig(
                        SocketConfig.custom().setTcpNoDelay(true).build())
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(timeout(endpoint.connectTimeout()))
                        .setSocketTimeout(timeout(endpoint.progressTimeout()))
                        .setTimeToLive(TimeValue.ofMinutes(5))
                        .setValidateAfterInactivity(TimeValue.ofSeconds(2))
                        .build())
                .build();
    }

    private static boolean configureProxyCredentials(HttpClientBuilder builder, List<URI> proxies) {
        BasicCredentialsProvider provider = new BasicCredentialsProvider();
        boolean any = false;
        for (URI proxy : proxies) {
            String user = proxy.getUserInfo();
            if (user != null) {
                int colon = user.indexOf(':');
                String name = colon < 0 ? user : user.substring(0, colon);
                char[] password = (colon < 0 ? "" : user.substring(colon + 1)).toCharArray();
                provider.setCredentials(
                        new AuthScope(ProxyRules.address(proxy)), new UsernamePasswordCredentials(name, password));
                any = true;
            }
        }
        builder.setDefaultCredentialsProvider(provider);
        return any;
    }

    private static Timeout timeout(Duration duration) {
        return Timeout.of(duration);
    }

    private static final class RoutePlanner extends DefaultRoutePlanner {
        private final ProxyRules proxies;

        RoutePlanner(ProxyRules proxies) {
            super(null);
            this.proxies = proxies;
        }

        @Override
        protected @Nullable HttpHost determineProxy(HttpHost target, HttpContext context) {
            String scheme = target.getSchemeName();
            int port = target.getPort() >= 0 ? target.getPort() : scheme.equals("https") ? 443 : 80;
            return proxies.proxyFor(new Origin(scheme, Origin.bareHost(target.getHostName()), port))
                    .map(ProxyRules::address)
                    .orElse(null);
        }
    }
}
