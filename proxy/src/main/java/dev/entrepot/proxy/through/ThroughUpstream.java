package dev.entrepot.proxy.through;

import dev.entrepot.oci.client.RegistryClient;
import java.time.Duration;

/**
 * An upstream that is asked with the credentials of each client.
 *
 * @param client its client, which has no credentials
 * @param proofFor how long an upstream's word that a client may have something counts
 * @param hasOwnHosts whether there are names of this server that mean this upstream, so that a request to another name
 *     need not
 */
public record ThroughUpstream(RegistryClient client, Duration proofFor, boolean hasOwnHosts) {}
