package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.BreakerState;
import dev.entrepot.oci.client.Capability;
import dev.entrepot.oci.client.CapabilityState;
import dev.entrepot.oci.client.Forecast;
import dev.entrepot.oci.client.MountsAsked;
import dev.entrepot.oci.client.QuotaState;
import dev.entrepot.oci.client.TooManyKind;
import dev.entrepot.oci.client.UpstreamState;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What a survey found, as text and as JSON. Shows no secret. */
public final class UpstreamReport {
    // To mount wants the right to push: what is only read from is asked where somebody says so, and never else.
    private static final String NOT_ASKED = "not asked (only read from; entrepot upstreams --mounts asks)";
    private static final String NOT_TRIED = "not tried yet";
    private static final String UNKNOWN = "not known: nothing of it is kept yet";

    private final List<UpstreamLine> lines;
    private final List<Target> targets;
    private final boolean mounts;

    /**
     * A target of replication.
     *
     * @param capabilities what its repositories have shown that they can do
     */
    record Target(String name, URI url, Map<Capability, CapabilityState> capabilities) {}

    /**
     * A report.
     *
     * @param mounts whether it was wanted that upstreams are asked whether they mount
     */
    UpstreamReport(List<UpstreamLine> lines, List<Target> targets, boolean mounts) {
        this.mounts = mounts;
        this.lines = List.copyOf(lines);
        this.targets = List.copyOf(targets);
    }

    /** Whether nothing is wrong with any of them. */
    public boolean isWell() {
        return lines.stream().allMatch(line -> line.problem().isEmpty());
    }

    /** For people, an upstream in a paragraph. */
    public String text() {
        StringBuilder out = new StringBuilder();
        for (UpstreamLine line : lines) {
            out.append(line.name()).append("  ").append(line.url()).append('\n');
            row(out, "state", state(line));
            row(out, "account", line.credentials());
            line.mirror()
                    .ifPresent(mirror -> row(
                            out,
                            "mirror",
                            (mirror.resolves() ? "answers tags and digests, " : "answers digests, ") + mirror.answered()
                                    + " answered, " + mirror.passedOn() + " passed on"));
            row(
                    out,
                    "referrers API",
                    line.state()
                            .referrersApi()
                            .map(there -> there ? "yes" : "no")
                            .orElse(nothingToAskFor(line) ? UNKNOWN : "not known"));
            if (mounts || !line.state().capabilities().isEmpty()) {
                row(out, "capabilities", capabilities(known(line.state()), notMounting(line, "not known")));
            }
            line.state().mountsAsked().ifPresent(asked -> row(out, "mounts", asked.said()));
            line.state().quotas().forEach(quota -> row(out, "pulls", quota(quota)));
            if (line.state().quotas().isEmpty() && nothingToAskFor(line)) {
                row(out, "pulls", UNKNOWN);
            }
            line.state()
                    .leftAlone()
                    .forEach(
                            (kind, until) -> row(out, "left alone", "after 429 (" + kind.label() + ") until " + until));
            line.state().breakers().forEach((kind, breaker) -> {
                if (breaker.position() != BreakerState.Position.CLOSED) {
                    row(out, "breaker", kind.label() + " is " + breaker(breaker));
                }
            });
            line.problem().ifPresent(problem -> row(out, "problem", problem));
        }
        for (Target target : targets) {
            out.append("target ")
                    .append(target.name())
                    .append("  ")
                    .append(target.url())
                    .append('\n');
            row(
                    out,
                    "capabilities",
                    target.capabilities().isEmpty() ? "not known" : capabilities(target.capabilities(), NOT_TRIED));
        }
        return out.toString();
    }

    private static boolean nothingToAskFor(UpstreamLine line) {
        return line.check().filter(UpstreamLine.Check::nothingToAskFor).isPresent();
    }

    private static void row(StringBuilder out, String name, String value) {
        // What came from outside must not write lines of its own.
        out.append(String.format(Locale.ROOT, "  %-14s", name))
                .append(value.replaceAll("\\p{Cntrl}", "?"))
                .append('\n');
    }

    private static String state(UpstreamLine line) {
        String known = line.reachable()
                .map(there -> there ? "answers" + limited(line) + butNotFor(line) : "does not answer")
                .orElse("not asked yet");
        return known
                + line.state().answeredAt().map(at -> ", last answer " + at).orElse("");
    }

    private static String limited(UpstreamLine line) {
        if (line.state().leftAlone().containsKey(TooManyKind.RATE)) {
            return " 429";
        }
        boolean stopped = line.state().quotas().stream()
                .anyMatch(quota -> quota.stoppedUntil().isPresent());
        return stopped ? ", but has no pulls left" : "";
    }

    private static String butNotFor(UpstreamLine line) {
        List<String> out = line.state().breakers().entrySet().stream()
                .filter(entry -> entry.getValue().position() != BreakerState.Position.CLOSED)
                .map(entry -> entry.getKey().label())
                .toList();
        return out.isEmpty() ? "" : ", but not for " + String.join(" and ", out);
    }

    private static String breaker(BreakerState breaker) {
        String next = breaker.position() == BreakerState.Position.OPEN
                ? breaker.until().map(until -> " until " + until).orElse(": asked again at the next request")
                : "";
        return word(breaker.position())
                + breaker.failure().map(failure -> " (" + failure + ")").orElse("")
                + next;
    }

    // Repositories of one registry may differ: then it is said how many of those that are remembered lack it.
    private static String capabilities(Map<Capability, CapabilityState> capabilities, String mounts) {
        Stream<String> known =
                capabilities.entrySet().stream().map(entry -> entry.getKey().label() + " " + word(entry.getValue()));
        Stream<String> unknown = capabilities.containsKey(Capability.MOUNTS)
                ? Stream.empty()
                : Stream.of(Capability.MOUNTS.label() + " " + mounts);
        return Stream.concat(known, unknown).collect(Collectors.joining(", "));
    }

    // What was seen before an answer that says nothing is not known any more.
    private static Map<Capability, CapabilityState> known(UpstreamState state) {
        CapabilityState seen = state.capabilities().get(Capability.MOUNTS);
        if (seen == null
                || unclear(state)
                        .filter(asked -> asked.at().isAfter(seen.seenAt()))
                        .isEmpty()) {
            return state.capabilities();
        }
        Map<Capability, CapabilityState> others = new EnumMap<>(state.capabilities());
        others.remove(Capability.MOUNTS);
        return others;
    }

    private static Optional<MountsAsked> unclear(UpstreamState state) {
        return state.mountsAsked().filter(asked -> asked.answer().mounts().isEmpty());
    }

    private String notMounting(UpstreamLine line, String asked) {
        if (unclear(line.state()).isPresent()) {
            return asked;
        }
        if (!mounts) {
            return NOT_ASKED;
        }
        return "not asked: "
                + (line.mirror().isPresent()
                        ? "it is a mirror"
                        : nothingToAskFor(line)
                                ? "nothing of it is kept yet"
                                : "it gave no answer to what comes first");
    }

    private static String word(CapabilityState state) {
        int all = state.with() + state.without();
        return state.with() > 0 && state.without() > 0
                ? "in " + state.with() + " of " + all + " repositories"
                : state.there() ? "yes" : "no";
    }

    private static String quota(QuotaState quota) {
        String left = quota.remaining().isPresent()
                ? quota.remaining().getAsLong() + " of " + quota.limit().orElse(0) + " left"
                : "used up";
        return left
                + quota.window().map(window -> " in " + hours(window)).orElse("")
                + ", " + quota.reserve().orElse(0) + " reserved for clients, for " + quota.account()
                + quota.stoppedUntil().map(until -> "; stopped until " + until).orElse("")
                + switch (quota.forecast()) {
                    case Forecast.Unknown unknown -> "";
                    case Forecast.Lasts lasts -> "; lasts at the present rate";
                    case Forecast.UsedUp end -> "; none left from " + end.at();
                };
    }

    private static String hours(Duration window) {
        return window.toSeconds() % 3600 == 0 ? window.toHours() + " h" : window.toSeconds() + " s";
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** {@code {"well", "upstreams": [...], "targets": [...]}}. */
    public ObjectNode json() {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("well", isWell());
        ArrayNode array = root.putArray("upstreams");
        lines.forEach(line -> array.add(line(line)));
        ArrayNode targetArray = root.putArray("targets");
        targets.forEach(target -> {
            ObjectNode one = targetArray.addObject();
            one.put("name", target.name());
            one.put("url", target.url().toString());
            capabilities(one, target.capabilities());
            mounts(one, target.capabilities(), NOT_TRIED);
        });
        return root;
    }

    private ObjectNode line(UpstreamLine line) {
        UpstreamState state = line.state();
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("name", line.name());
        json.put("url", line.url().toString());
        json.put("checked", line.check().isPresent());
        line.reachable().ifPresent(there -> json.put("reachable", there));
        if (nothingToAskFor(line)) {
            json.put("notKnown", "nothing of it is kept yet");
        }
        json.put("authentication", state.authentication());
        json.put("account", state.account());
        line.check()
                .flatMap(UpstreamLine.Check::credentialsAccepted)
                .ifPresent(taken -> json.put("credentialsAccepted", taken));
        state.referrersApi().ifPresent(there -> json.put("referrersApi", there));
        capabilities(json, known(state));
        mounts(
                json,
                known(state),
                notMounting(line, state.mountsAsked().map(MountsAsked::said).orElse("")));
        state.mountsAsked().ifPresent(asked -> {
            ObjectNode one = json.putObject("mountsAsked");
            one.put("repository", asked.repository().value());
            one.put("answer", asked.answer().label());
            one.put("said", asked.said());
            one.put("at", asked.at().toString());
        });
        ObjectNode hedges = json.putObject("hedges");
        hedges.put("sent", state.hedges().sent());
        hedges.put("won", state.hedges().won());
        time(json, "answeredAt", state.answeredAt());
        time(json, "failedAt", state.failedAt());
        state.failure().ifPresent(failure -> json.put("lastError", failure));
        line.problem().ifPresent(problem -> json.put("problem", problem));
        line.mirror().ifPresent(mirror -> {
            ObjectNode served = json.putObject("mirror");
            served.put("answers", mirror.resolves() ? "tags" : "digests");
            served.put("answered", mirror.answered());
            served.put("passedOn", mirror.passedOn());
        });
        ArrayNode quotas = json.putArray("quotas");
        state.quotas().forEach(quota -> quotas.add(json(quota)));
        ObjectNode breakers = json.putObject("breakers");
        state.breakers().forEach((kind, breaker) -> {
            ObjectNode one = breakers.putObject(kind.label());
            one.put("state", word(breaker.position()));
            time(one, "until", breaker.until());
            breaker.failure().ifPresent(failure -> one.put("lastError", failure));
            one.put("opened", breaker.opened());
        });
        ObjectNode tooMany = json.putObject("tooManyRequests");
        state.tooMany().forEach((kind, count) -> tooMany.put(kind.label(), count));
        ObjectNode leftAlone = json.putObject("leftAloneUntil");
        state.leftAlone().forEach((kind, until) -> leftAlone.put(kind.label(), until.toString()));
        return json;
    }

    private static void capabilities(ObjectNode json, Map<Capability, CapabilityState> known) {
        ObjectNode capabilities = json.putObject("capabilities");
        known.forEach((capability, seen) -> {
            ObjectNode one = capabilities.putObject(capability.label());
            one.put("there", seen.there());
            one.put("seenAt", seen.seenAt().toString());
            one.put("repositoriesWith", seen.with());
            one.put("repositoriesWithout", seen.without());
        });
    }

    private static void mounts(ObjectNode json, Map<Capability, CapabilityState> known, String why) {
        if (!known.containsKey(Capability.MOUNTS)) {
            json.putObject("capabilitiesNotKnown").put(Capability.MOUNTS.label(), why);
        }
    }

    private static ObjectNode json(QuotaState quota) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("account", quota.account());
        number(json, "limit", quota.limit());
        number(json, "remaining", quota.remaining());
        number(json, "reserve", quota.reserve());
        quota.window().ifPresent(window -> json.put("windowSeconds", window.toSeconds()));
        time(json, "reset", quota.reset());
        quota.source().ifPresent(source -> json.put("source", source));
        time(json, "seenAt", quota.seenAt());
        time(json, "stoppedUntil", quota.stoppedUntil());
        switch (quota.forecast()) {
            case Forecast.Unknown unknown -> json.put("forecast", "unknown");
            case Forecast.Lasts lasts -> json.put("forecast", "lasts");
            case Forecast.UsedUp end -> {
                json.put("forecast", "used-up");
                json.put("usedUpAt", end.at().toString());
            }
        }
        return json;
    }

    private static void number(ObjectNode json, String name, OptionalLong value) {
        value.ifPresent(number -> json.put(name, number));
    }

    private static void time(ObjectNode json, String name, Optional<Instant> value) {
        value.ifPresent(at -> json.put(name, at.toString()));
    }

    /** The lines, in order. */
    List<UpstreamLine> lines() {
        return new ArrayList<>(lines);
    }
}
