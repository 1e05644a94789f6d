package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.client.BreakerState;
import dev.entrepot.oci.client.Forecast;
import dev.entrepot.oci.client.HedgeState;
import dev.entrepot.oci.client.QuotaState;
import dev.entrepot.oci.client.UpstreamState;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.admin.Metrics.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** The quotas and circuit breakers of the upstreams as metrics, read when they are asked for. */
public final class UpstreamMetrics {
    private static final List<String> QUOTA = List.of("upstream", "account");

    private final Metrics metrics;
    private final UpstreamSurvey survey;

    private UpstreamMetrics(Metrics metrics, UpstreamSurvey survey) {
        this.metrics = metrics;
        this.survey = survey;
    }

    /** Registers them. */
    public static void register(Metrics metrics, UpstreamSurvey survey) {
        new UpstreamMetrics(metrics, survey).all();
    }

    private void all() {
        quota("limit", "Pulls in a window.", quota -> number(quota.limit()));
        quota("remaining", "Pulls left.", quota -> number(quota.remaining()));
        quota("reserve", "Pulls that are kept for clients.", quota -> number(quota.reserve()));
        quota(
                "window_seconds",
                "Length of the window.",
                quota -> quota.window()
                        .map(window -> OptionalDouble.of(window.toSeconds()))
                        .orElse(OptionalDouble.empty()));
        quota(
                "exhausted_timestamp_seconds",
                "When no pull will be left at the present rate; absent if it lasts.",
                quota -> quota.forecast() instanceof Forecast.UsedUp end
                        ? OptionalDouble.of(end.at().getEpochSecond())
                        : OptionalDouble.empty());
        metrics.counters(
                "entrepot_upstream_too_many_requests_total",
                "Answers of 429.",
                List.of("upstream", "kind"),
                samples((line, out) -> line.state()
                        .tooMany()
                        .forEach((kind, count) -> out.accept(new Sample(List.of(line.name(), kind.label()), count)))));
        metrics.counters(
                "entrepot_upstream_quota_stopped_total",
                "Requests that were not sent for want of quota.",
                List.of("upstream", "priority"),
                samples((line, out) -> line.state()
                        .stopped()
                        .forEach((priority, count) -> out.accept(
                                new Sample(List.of(line.name(), priority.name().toLowerCase(Locale.ROOT)), count)))));
        metrics.counters(
                "entrepot_upstream_hedged_requests_total",
                "Small requests that were sent a second time, by which of the two was answered first.",
                List.of("upstream", "winner"),
                samples((line, out) -> {
                    HedgeState hedges = line.state().hedges();
                    out.accept(new Sample(List.of(line.name(), "second"), hedges.won()));
                    out.accept(new Sample(List.of(line.name(), "first"), hedges.sent() - hedges.won()));
                }));
        metrics.counters(
                "entrepot_upstream_mirror_requests_total",
                "What was asked of mirrors: answered, or passed on to the next place.",
                List.of("upstream", "outcome"),
                samples((line, out) -> line.mirror().ifPresent(mirror -> {
                    out.accept(new Sample(List.of(line.name(), "answered"), mirror.answered()));
                    out.accept(new Sample(List.of(line.name(), "passed-on"), mirror.passedOn()));
                })));
        metrics.gauges(
                "entrepot_upstream_breaker_state",
                "Circuit breakers: 0 closed, 1 half-open, 2 open.",
                List.of("upstream", "operation"),
                breakers(breaker -> breaker.position().ordinal()));
        metrics.counters(
                "entrepot_upstream_breaker_opened_total",
                "How often a circuit breaker opened.",
                List.of("upstream", "operation"),
                breakers(BreakerState::opened));
    }

    private static OptionalDouble number(OptionalLong value) {
        return value.isPresent() ? OptionalDouble.of(value.getAsLong()) : OptionalDouble.empty();
    }

    private void quota(String name, String help, Function<QuotaState, OptionalDouble> value) {
        metrics.gauges(
                "entrepot_upstream_quota_" + name,
                help,
                QUOTA,
                samples((line, out) -> line.state()
                        .quotas()
                        .forEach(quota -> value.apply(quota)
                                .ifPresent(number ->
                                        out.accept(new Sample(List.of(line.name(), quota.account()), number))))));
    }

    private Supplier<List<Sample>> breakers(Function<BreakerState, Number> value) {
        return samples((line, out) -> {
            UpstreamState state = line.state();
            state.breakers()
                    .forEach((kind, breaker) -> out.accept(new Sample(
                            List.of(line.name(), kind.label()),
                            value.apply(breaker).doubleValue())));
        });
    }

    private Supplier<List<Sample>> samples(BiConsumer<UpstreamLine, Consumer<Sample>> of) {
        return () -> {
            List<Sample> samples = new ArrayList<>();
            survey.known().lines().forEach(line -> of.accept(line, samples::add));
            return samples;
        };
    }
}
