package dev.entrepot.cache;

import java.util.OptionalLong;

/**
 * How much is stored of content that competes with each other.
 *
 * @param name the group, or what the content has in common
 * @param priority what is lower goes first
 * @param count how many pieces, roughly
 * @param bytes roughly
 * @param mostBytes beyond this it goes before everything else, where there is such a bound
 */
public record PoolSize(String name, int priority, long count, long bytes, OptionalLong mostBytes) {}
