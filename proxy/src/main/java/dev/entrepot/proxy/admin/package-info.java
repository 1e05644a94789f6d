/**
 * What operators see: health, metrics in Prometheus' text format, and the access log. All of it is derived from result
 * values, by observers.
 */
@NullMarked
package dev.entrepot.proxy.admin;

import org.jspecify.annotations.NullMarked;
