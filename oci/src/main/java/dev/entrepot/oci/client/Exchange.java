package dev.entrepot.oci.client;

import java.io.IOException;

/** Sends a request and gives its answer, whatever its status. Exchanges wrap each other, each with one concern. */
@FunctionalInterface
interface Exchange {
    /**
     * Sends the request. The caller closes the answer.
     *
     * @throws dev.entrepot.oci.RegistryException if there is no answer, or none that may be used
     */
    ApiResponse send(ApiRequest request) throws IOException;
}
