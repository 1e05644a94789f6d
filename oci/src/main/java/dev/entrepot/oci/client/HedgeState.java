package dev.entrepot.oci.client;

/**
 * Small requests that were sent a second time because the first took long.
 *
 * @param sent how many
 * @param won in how many of them the second was answered first
 */
public record HedgeState(long sent, long won) {}
