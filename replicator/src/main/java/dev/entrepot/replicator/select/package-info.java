/** Which tags of a repository a rule wants, and why each was kept or dropped. */
@NullMarked
package dev.entrepot.replicator.select;

import org.jspecify.annotations.NullMarked;
