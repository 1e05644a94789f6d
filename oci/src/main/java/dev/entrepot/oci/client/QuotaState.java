package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What is known of the quota of one account at a registry.
 *
 * @param account the account's name, or how it is told apart; never a secret
 * @param limit pulls in a window
 * @param remaining pulls left
 * @param reserve pulls that are kept for those who wait
 * @param window length of the window
 * @param reset when the window ends, where the registry says so
 * @param source who is counted, as the registry says
 * @param seenAt when the registry said so
 * @param stoppedUntil until when no manifest is fetched; empty if they are
 * @param forecast how long it lasts
 */
public record QuotaState(
        String account,
        OptionalLong limit,
        OptionalLong remaining,
        OptionalLong reserve,
        Optional<Duration> window,
        Optional<Instant> reset,
        Optional<String> source,
        Optional<Instant> seenAt,
        Optional<Instant> stoppedUntil,
        Forecast forecast) {}
