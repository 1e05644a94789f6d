/** The front door: HTTP API, admin API, command line, and the only place that wires the parts together. */
@NullMarked
package dev.entrepot.proxy;

import org.jspecify.annotations.NullMarked;
