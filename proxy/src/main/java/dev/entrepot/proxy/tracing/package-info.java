/**
 * Traces for OpenTelemetry. Nothing outside knows the library, and nothing here is loaded unless {@code tracing} is
 * configured.
 */
@NullMarked
package dev.entrepot.proxy.tracing;

import org.jspecify.annotations.NullMarked;
