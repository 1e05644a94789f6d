/** Upstreams as operators see them: on the admin API, on the command line and as metrics. */
@NullMarked
package dev.entrepot.proxy.upstreams;

import org.jspecify.annotations.NullMarked;
