/**
 * Upstreams that are asked with the credentials of each client: who has shown what, and what the upstreams have said to
 * it.
 */
@NullMarked
package dev.entrepot.proxy.through;

import org.jspecify.annotations.NullMarked;
