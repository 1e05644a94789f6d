package dev.entrepot.proxy;

import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.proxy.replication.BadRequestException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Optional;

/**
 * How clients reach this server.
 *
 * @param plain whether it speaks plain HTTP
 * @param authority host, and port if it is not the scheme's own
 */
record MirrorAddress(boolean plain, String authority) {
    /**
     * The address that a user gives: {@code http(s)://host[:port]} without a path.
     *
     * @throws BadRequestException if it is not of that form
     */
    static MirrorAddress parse(String text) throws BadRequestException {
        URI uri = uri(text);
        boolean http = "http".equals(uri.getScheme());
        boolean rest = uri.getRawPath() != null
                && !uri.getRawPath().isEmpty()
                && !uri.getRawPath().equals("/");
        boolean more = uri.getRawUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null;
        if (!http && !"https".equals(uri.getScheme()) || uri.getHost() == null || rest || more) {
            throw refused();
        }
        return new MirrorAddress(http, uri.getRawAuthority());
    }

    private static URI uri(String text) throws BadRequestException {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            throw refused();
        }
    }

    private static BadRequestException refused() {
        return new BadRequestException(
                "--address is http://HOST[:PORT] or https://HOST[:PORT], as clients reach this server");
    }

    /** The address that this server listens on, as seen from the same machine where it listens on every interface. */
    static MirrorAddress of(ServerConfig server) {
        String host = server.listen().host().orElse("127.0.0.1");
        boolean everywhere = host.equals("0.0.0.0") || host.equals("::");
        ListenAddress shown = new ListenAddress(
                Optional.of(everywhere ? "127.0.0.1" : host), server.listen().port());
        return new MirrorAddress(server.tls().isEmpty(), shown.toString());
    }

    /** Whether only this machine reaches it, as far as its host alone shows that. */
    boolean isLoopback() {
        return ListenAddress.isLoopback(URI.create(url()).getHost());
    }

    /** The whole URL. */
    String url() {
        return (plain ? "http://" : "https://") + authority;
    }
}
