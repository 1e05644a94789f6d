package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import java.util.Optional;

/** Knows who may use the admin API. Safe for all threads. */
@FunctionalInterface
public interface AdminGuard {
    /** Lets everybody do everything. */
    AdminGuard OPEN = (path, changes, authorization, client) -> {};

    /**
     * Refuses who may not do something.
     *
     * @param path the raw path
     * @param changes whether something is changed, and not only read
     * @param authorization the value of the {@code Authorization} header
     * @param client where the request comes from
     * @throws AccessRefusedException with why, or with what would have to be shown
     */
    void require(String path, boolean changes, Optional<String> authorization, ClientAddress client)
            throws AccessRefusedException;
}
