package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.AccessRefusedException;

/** Knows who may use the admin API. Safe for all threads. */
@FunctionalInterface
public interface AdminGuard {
    /** Lets everybody do everything. */
    AdminGuard OPEN = approach -> {};

    /**
     * Refuses who may not do something.
     *
     * @throws AccessRefusedException with why, or with what would have to be shown
     */
    void require(AdminApproach approach) throws AccessRefusedException;
}
