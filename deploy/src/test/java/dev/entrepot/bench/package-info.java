/**
 * The benchmarks: each scenario measures this project's server and its peers in turns, in one run, and prints figures
 * with their spread. Started by {@code deploy/bench/run}; what each scenario does is in {@code docs/benchmarks.md}.
 * Nothing here is a test of time.
 */
@NullMarked
package dev.entrepot.bench;

import org.jspecify.annotations.NullMarked;
