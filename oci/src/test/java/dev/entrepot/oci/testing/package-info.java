/**
 * A real registry over real sockets, with faults to order, and the content to fill it with: what the tests of all
 * modules stand on.
 */
@NullMarked
package dev.entrepot.oci.testing;

import org.jspecify.annotations.NullMarked;
