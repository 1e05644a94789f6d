package dev.entrepot.proxy.http;

import dev.entrepot.oci.Repository;

/**
 * Where a request goes.
 *
 * @param repository the upstream's repository
 * @param namespace the value of {@code ?ns=} that decided it, to be echoed in {@code OCI-Namespace}; empty if there was
 *     none
 */
record Route(Repository repository, String namespace) {}
