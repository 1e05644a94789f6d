package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.AccessRefusedException;

/** Knows who may use the admin API. Safe for all threads. */
@FunctionalInterface
public interface AdminGuard {
    /** Lets everybody do everything. */
    AdminGuard OPEN = approach -> AdminGuard.ANYBODY;

    /** Who somebody is that need not say it. */
    String ANYBODY = "anybody";

    /**
     * Refuses who may not do something.
     *
     * @return who it is that may, for logs
     * @throws AccessRefusedException with why, or with what would have to be shown
     */
    String require(AdminApproach approach) throws AccessRefusedException;
}
