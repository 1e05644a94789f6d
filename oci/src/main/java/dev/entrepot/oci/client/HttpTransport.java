package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.Proxy;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.apache.hc.client5.http.ConnectionKeepAliveStrategy;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.SchemePortResolver;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.DefaultConnectionKeepAliveStrategy;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.impl.routing.DefaultRoutePlanner;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.config.RegistryBuilder;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.pool.PoolReusePolicy;
import org.apache.hc.core5.pool.PoolStats;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP library as it is set up here: connections, TLS, proxies and bounds, with everything that it does by itself
 * switched off. Safe for all threads.
 */
final class HttpTransport implements AutoCloseable, OverdueWatch.Watched {
    // Each connection has three of them. Bodies go past them; what is smaller than one goes out with its head.
    private static final int BUFFER_BYTES = 8 * 1024;
    private static final int MAX_HEADER_LINE_BYTES = 64 * 1024;
    private static final int MAX_HEADER_LINES = 200;
    // Uploads and token requests go past the limiter. Uploads are limited by whoever sends them, and of rules that are
    // held back by a bandwidth each has one: a limit here would be met by a registry that is well.
    private static final int SPARE_CONNECTIONS = 1000;

    private final CloseableHttpClient http;
    private final PoolingHttpClientConnectionManager pool;
    private final OpenConnections all;
    private final ProxyRules proxies;
    private volatile boolean wasEmpty;

    private HttpTransport(
            RegistryEndpoint endpoint, ProxyRules proxies, DnsResolver resolver, ClientEnvironment environment)
            throws IOException {
        this.all = environment.connections();
        this.proxies = proxies;
        this.pool =
                connections(endpoint, new AddressMemory(resolver, environment.nanoTime()), all, environment.nanoTime());
        this.http = client(endpoint, proxies, pool, this::keep, environment.userAgent());
    }

    /**
     * The library for one registry. Its owner closes it.
     *
     * @param resolver all addresses of a host; those that did not answer lately are tried last
     * @throws IOException if the TLS files cannot be read
     */
    static HttpTransport open(
            RegistryEndpoint endpoint, ProxyRules proxies, DnsResolver resolver, ClientEnvironment environment)
            throws IOException {
        HttpTransport transport = new HttpTransport(endpoint, proxies, resolver, environment);
        environment.connections().add(transport);
        return transport;
    }

    /** The library's client. */
    CloseableHttpClient http() {
        return http;
    }

    /** The proxy that requests to a place go through, as {@code HOST:PORT}. */
    Optional<String> proxyFor(Origin target) {
        return proxies.proxyFor(target).map(proxy -> ProxyRules.address(proxy).toHostString());
    }

    /**
     * Closes the connections that nobody uses: one of them was found to be dead, and others may be for the same reason,
     * or nobody is to use them soon.
     */
    void dropIdle() {
        dropIdle(Duration.ZERO);
    }

    /** Closes the connections that nobody has used for so long. What is in use stays. */
    void dropIdle(Duration unused) {
        pool.closeIdle(TimeValue.of(unused));
    }

    /** How many connections there are, those with a request and idle ones. */
    int open() {
        PoolStats stats = pool.getTotalStats();
        return stats.getLeased() + stats.getAvailable();
    }

    /** Closes the idle connections whose time is over. */
    @Override
    public void look() {
        pool.closeExpired();
        boolean empty = open() == 0;
        // One that goes from a request to the idle ones is for a moment among neither.
        if (empty && wasEmpty) {
            all.none(this);
        }
        wasEmpty = empty;
    }

    private TimeValue keep(HttpResponse response, HttpContext context) {
        TimeValue good = DefaultConnectionKeepAliveStrategy.INSTANCE.getKeepAliveDuration(response, context);
        return TimeValue.of(all.keep(this, pool.getTotalStats().getAvailable(), good.toDuration()));
    }

    /** Cuts all connections. */
    @Override
    public void close() {
        all.remove(this);
        http.close(CloseMode.IMMEDIATE);
        pool.close(CloseMode.IMMEDIATE);
    }

    private static CloseableHttpClient client(
            RegistryEndpoint endpoint,
            ProxyRules proxies,
            PoolingHttpClientConnectionManager pool,
            ConnectionKeepAliveStrategy idle,
            String userAgent) {
        HttpClientBuilder builder = HttpClients.custom()
                .setConnectionManager(new Lasting(pool))
                .setKeepAliveStrategy(idle)
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

    private static PoolingHttpClientConnectionManager connections(
            RegistryEndpoint endpoint, AddressMemory resolver, OpenConnections all, LongSupplier nanoTime)
            throws IOException {
        Duration handshake = endpoint.connectTimeout().multipliedBy(2);
        int perRoute = 2 * endpoint.maxConcurrentRequests() + endpoint.maxConcurrentBodies() + SPARE_CONNECTIONS;
        return new Connections(resolver, all)
                .setPoolConcurrencyPolicy(PoolConcurrencyPolicy.LAX)
                .setConnPoolPolicy(PoolReusePolicy.LIFO)
                .setMaxConnPerRoute(perRoute)
                .setMaxConnTotal(perRoute)
                .setDnsResolver(resolver)
                .setConnectionFactory(KeptConnection.factory(Http1Config.custom()
                        .setBufferSize(BUFFER_BYTES)
                        .setMaxLineLength(MAX_HEADER_LINE_BYTES)
                        .setMaxHeaderCount(MAX_HEADER_LINES)
                        .setMaxEmptyLineCount(1)
                        .build()))
                .setTlsSocketStrategy(TlsByHost.of(endpoint, nanoTime))
                .setDefaultTlsConfig(TlsConfig.custom()
                        .setHandshakeTimeout(timeout(handshake))
                        .build())
                .setDefaultSocketConfig(
                        SocketConfig.custom().setTcpNoDelay(true).build())
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(timeout(endpoint.connectTimeout()))
                        .setSocketTimeout(timeout(endpoint.progressTimeout()))
                        .setTimeToLive(TimeValue.ofMinutes(5))
                        // Each time: KeptConnection knows what that may cost.
                        .setValidateAfterInactivity(TimeValue.ZERO_MILLISECONDS)
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

    /** Connects, where there is room, by sockets that tell the memory of addresses what came of it. */
    private static final class Connections extends PoolingHttpClientConnectionManagerBuilder {
        private final AddressMemory memory;
        private final OpenConnections all;

        Connections(AddressMemory memory, OpenConnections all) {
            this.memory = memory;
            this.all = all;
        }

        @Override
        protected HttpClientConnectionOperator createConnectionOperator(
                SchemePortResolver ports, DnsResolver resolver, TlsSocketStrategy tls) {
            return new DefaultHttpClientConnectionOperator(
                    this::socket,
                    ports,
                    resolver,
                    RegistryBuilder.<TlsSocketStrategy>create()
                            .register("https", tls)
                            .build());
        }

        private Socket socket(@Nullable Proxy proxy) {
            all.makeRoom();
            return memory.socket(proxy);
        }
    }

    /**
     * The pool as the library has it, which would close it, for good, after an error of the runtime in a single
     * request. Here that request loses its own connection ({@link WireExchange}), and the others keep theirs.
     */
    private record Lasting(PoolingHttpClientConnectionManager pool) implements HttpClientConnectionManager {
        @Override
        public LeaseRequest lease(String id, HttpRoute route, Timeout timeout, @Nullable Object state) {
            return pool.lease(id, route, timeout, state);
        }

        @Override
        public void release(ConnectionEndpoint endpoint, @Nullable Object state, @Nullable TimeValue good) {
            pool.release(endpoint, state, good);
        }

        @Override
        public void connect(ConnectionEndpoint endpoint, TimeValue timeout, HttpContext context) throws IOException {
            pool.connect(endpoint, timeout, context);
        }

        @Override
        public void upgrade(ConnectionEndpoint endpoint, HttpContext context) throws IOException {
            pool.upgrade(endpoint, context);
        }

        /** Does nothing: whoever has opened the transport closes it. */
        @Override
        public void close(CloseMode mode) {}

        /** As above. */
        @Override
        public void close() {}
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
