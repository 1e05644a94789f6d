/**
 * Warming the cache: which images, read from lists, from Kubernetes, or from this program's own access log, and bringing them in.
 */
@NullMarked
package dev.entrepot.proxy.warm;

import org.jspecify.annotations.NullMarked;
