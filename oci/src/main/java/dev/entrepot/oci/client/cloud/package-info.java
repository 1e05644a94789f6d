/**
 * Credentials for the registries of three clouds, by their own ways of proving who this process is
 * (docs/decisions/0011-cloud-credentials.md). {@link dev.entrepot.oci.client.cloud.CloudCredentials} is the door;
 * nothing is read or asked before credentials are needed. Where services are is known here or said by the operator, in
 * the variables that the clouds' own tools read; no registry has a say in it.
 */
@NullMarked
package dev.entrepot.oci.client.cloud;

import org.jspecify.annotations.NullMarked;
