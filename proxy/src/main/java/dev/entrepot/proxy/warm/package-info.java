/**
 * Content that comes before it is asked for: warming by hand, prefetching behind a client, and keeping what is pinned
 * whole.
 */
@NullMarked
package dev.entrepot.proxy.warm;

import org.jspecify.annotations.NullMarked;
