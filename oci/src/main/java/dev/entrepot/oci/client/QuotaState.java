package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

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
        Forecast forecast) {
    /** This, with other times in the place of each. */
    QuotaState at(UnaryOperator<Instant> times) {
        return new QuotaState(
                account,
                limit,
                remaining,
                reserve,
                window,
                reset.map(times),
                source,
                seenAt.map(times),
                stoppedUntil.map(times),
                switch (forecast) {
                    case Forecast.Unknown unknown -> unknown;
                    case Forecast.Lasts lasts -> lasts;
                    case Forecast.UsedUp end -> new Forecast.UsedUp(times.apply(end.at()));
                });
    }
}
