package dev.entrepot.bench;

/**
 * One answer that was read to its end and thrown away.
 *
 * @param status HTTP status
 * @param bytes bytes of the body
 * @param firstByteNanos from the request to the first byte of the body
 * @param nanos from the request to the last byte of the body
 */
record Pull(int status, long bytes, long firstByteNanos, long nanos) {}
