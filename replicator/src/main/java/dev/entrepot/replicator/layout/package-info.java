/** OCI image layouts on disk, as sources and targets. */
@NullMarked
package dev.entrepot.replicator.layout;

import org.jspecify.annotations.NullMarked;
