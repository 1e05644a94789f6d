/** Who clients are and what they may do: passwords, tokens, certificates, and the rules of access. */
@NullMarked
package dev.entrepot.proxy.access;

import org.jspecify.annotations.NullMarked;
