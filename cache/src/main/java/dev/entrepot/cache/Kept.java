package dev.entrepot.cache;

import java.time.Instant;

/**
 * Something that is kept.
 *
 * @param content what it is
 * @param confirmedAt when the upstream last said that it is so
 */
record Kept<T>(T content, Instant confirmedAt) {}
