package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.hc.client5.http.DnsResolver;
import org.jspecify.annotations.Nullable;

/**
 * Puts the addresses of a host that could not be connected to within the last minute behind the others, so that one of
 * several that is dead costs its time-out once a minute and not for each new connection. All are still tried, in turn.
 * Safe for all threads.
 */
final class AddressMemory implements DnsResolver {
    private static final Duration LIFE = Duration.ofMinutes(1);
    private static final int MOST = 1000;

    private final DnsResolver resolver;
    private final Cache<InetAddress, Boolean> failed;

    AddressMemory(DnsResolver resolver, LongSupplier nanoTime) {
        this.resolver = resolver;
        this.failed = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(LIFE)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        List<InetAddress> good = new ArrayList<>();
        List<InetAddress> bad = new ArrayList<>();
        for (InetAddress address : resolver.resolve(host)) {
            (failed.getIfPresent(address) == null ? good : bad).add(address);
        }
        good.addAll(bad);
        return good.toArray(InetAddress[]::new);
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return resolver.resolveCanonicalHostname(host);
    }

    /** A socket that is not connected. */
    Socket socket(@Nullable Proxy proxy) {
        return proxy == null ? new Watched() : new Watched(proxy);
    }

    private final class Watched extends Socket {
        private volatile @Nullable Thread connecting;
        private volatile boolean givenUp;

        Watched() {}

        Watched(Proxy proxy) {
            super(proxy);
        }

        @Override
        public void connect(SocketAddress endpoint, int timeoutMillis) throws IOException {
            connecting = Thread.currentThread();
            try {
                super.connect(endpoint, timeoutMillis);
            } catch (ConnectException | SocketTimeoutException e) {
                remember(endpoint);
                throw e;
            } catch (SocketException e) {
                // Who is closed here while he connects has learned nothing of the address.
                if (givenUp || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                remember(endpoint);
                throw new UnreachedAddressException(e);
            }
        }

        // Whoever connects in vain closes it himself.
        @Override
        public void close() throws IOException {
            givenUp |= connecting != Thread.currentThread();
            super.close();
        }

        private void remember(SocketAddress endpoint) {
            if (endpoint instanceof InetSocketAddress there && there.getAddress() != null) {
                failed.put(there.getAddress(), true);
            }
        }
    }
}
