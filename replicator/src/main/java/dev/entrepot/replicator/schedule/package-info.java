/** When rules run: Quartz, behind a small interface. Nothing else of this project knows Quartz. */
@NullMarked
package dev.entrepot.replicator.schedule;

import org.jspecify.annotations.NullMarked;
