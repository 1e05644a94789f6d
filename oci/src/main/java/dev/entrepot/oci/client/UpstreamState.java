package dev.entrepot.oci.client;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client knows of its registry at one moment, without asking it. Shows no secret.
 *
 * @param authentication how the registry wants to be shown who is asking: {@code bearer}, {@code basic}, or
 *     {@code none} as long as it did not ask
 * @param account the account that the registry is asked with; {@code anonymous} without
 * @param answeredAt when it last answered, whatever the answer
 * @param failedAt when it last did not
 * @param failure how
 * @param capabilities what its repositories have shown that they can do; what was never tried is missing
 * @param mountsAsked what came of asking a repository whether it mounts, where somebody wanted that, and it was within
 *     ten minutes
 * @param hedges small requests that were sent a second time
 * @param quotas what is known of pull quotas
 * @param tooMany answers of 429
 * @param stopped requests that were not sent for want of quota
 * @param leftAlone until when what is not asked for after an answer of 429
 * @param breakers the circuit breakers
 */
public record UpstreamState(
        String authentication,
        String account,
        Optional<Instant> answeredAt,
        Optional<Instant> failedAt,
        Optional<String> failure,
        Map<Capability, CapabilityState> capabilities,
        Optional<MountsAsked> mountsAsked,
        HedgeState hedges,
        List<QuotaState> quotas,
        Map<TooManyKind, Long> tooMany,
        Map<Priority, Long> stopped,
        Map<TooManyKind, Instant> leftAlone,
        Map<OperationClass, BreakerState> breakers) {
    /** Whether the repository that was asked last for referrers has the API; empty if none was. */
    public Optional<Boolean> referrersApi() {
        return Optional.ofNullable(capabilities.get(Capability.REFERRERS)).map(CapabilityState::there);
    }
}
