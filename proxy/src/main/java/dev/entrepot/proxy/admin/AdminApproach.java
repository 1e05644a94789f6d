package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.ClientAddress;
import java.security.Principal;
import java.util.Optional;

/**
 * How somebody comes to the admin API.
 *
 * @param path the raw path
 * @param changes whether something is changed, and not only read
 * @param authorization the value of the {@code Authorization} header
 * @param certificate the subject of its certificate, which the handshake has verified
 * @param client where the request comes from
 */
public record AdminApproach(
        String path,
        boolean changes,
        Optional<String> authorization,
        Optional<Principal> certificate,
        ClientAddress client) {
    /** Without what the header says, which may be a secret. */
    @Override
    public String toString() {
        return "AdminApproach[" + path + "]";
    }
}
