package dev.entrepot.proxy.http;

import java.security.Principal;
import java.util.Optional;

/**
 * How a client comes to this server, before anything of it is believed.
 *
 * @param authorization the value of the {@code Authorization} header
 * @param certificate the subject of its certificate, which the handshake has verified
 * @param address where it comes from
 * @param server the scheme and authority under which it reached this server, for links back to it
 */
public record Approach(
        Optional<String> authorization, Optional<Principal> certificate, ClientAddress address, String server) {
    /** Without what may be secret. */
    @Override
    public String toString() {
        return "Approach[" + address + "]";
    }
}
