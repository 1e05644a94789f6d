package dev.entrepot.cache;

/**
 * The most of the disk that some repositories may use together.
 *
 * @param rule the rule that says so; repositories of the same rule share the share
 * @param percent of the capacity, from 1 to 100
 */
public record DiskShare(String rule, int percent) {}
