/**
 * The rules of the configuration about caching: compiled, looked up, read again while the server runs, and explained.
 */
@NullMarked
package dev.entrepot.proxy.rules;

import org.jspecify.annotations.NullMarked;
