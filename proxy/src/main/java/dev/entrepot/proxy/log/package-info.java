/** The log of the process: events as lines of text or JSON, without secrets. */
@NullMarked
package dev.entrepot.proxy.log;

import org.jspecify.annotations.NullMarked;
