/**
 * The client for registries that others run, on Apache HttpClient 5: {@link dev.entrepot.oci.client.RegistryClient} per
 * registry, {@link dev.entrepot.oci.client.RemoteRepository} as source and target. A request passes a stack of small
 * {@code Exchange}s, assembled in one place: retry, authentication, redirects, limits, wire.
 */
@NullMarked
package dev.entrepot.oci.client;

import org.jspecify.annotations.NullMarked;
