/**
 * The pull API (distribution-spec 1.1): a request is parsed once into a value, routed to one upstream's repository,
 * handled by one small class, and answered by one writer.
 */
@NullMarked
package dev.entrepot.proxy.http;

import org.jspecify.annotations.NullMarked;
