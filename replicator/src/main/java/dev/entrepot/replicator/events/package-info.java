/** What registries tell this process, and what it tells others. */
@NullMarked
package dev.entrepot.replicator.events;

import org.jspecify.annotations.NullMarked;
