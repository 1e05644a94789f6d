package dev.entrepot.config;

import dev.entrepot.config.TargetConfig.LayoutDestination;
import dev.entrepot.config.TargetConfig.RegistryDestination;
import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What rules may not say, taken together with the upstreams and each other: an unknown source, the same target twice, a
 * layout that shares a folder with the cache, a target that is the source or a mirror that answers for its tags, and a
 * cycle, in which what one rule writes is in the end what it reads.
 */
final class RuleChecks {
    private final Map<RegistryHost, UpstreamConfig> upstreams;
    private final List<ReplicationRuleConfig> rules;
    private final List<DataFolder> data;
    private final Reading reading;

    RuleChecks(
            Map<RegistryHost, UpstreamConfig> upstreams,
            List<ReplicationRuleConfig> rules,
            List<DataFolder> data,
            Reading reading) {
        this.data = data;
        this.upstreams = upstreams;
        this.rules = rules;
        this.reading = reading;
    }

    /** Records every contradiction. */
    void check() {
        reading.upstreamsNamed().forEach((path, written) -> {
            if (!upstreams.containsKey(reading.upstreamMeant(written))) {
                UpstreamChecks.refuseUnknown(written, path, upstreams, reading);
            }
        });
        rules.forEach(this::refuseSameTargets);
        LayoutChecks layouts = new LayoutChecks(data, reading);
        rules.forEach(layouts::check);
        rules.forEach(this::refuseMirrorsOfTheSource);
        refuseCycles();
    }

    private void refuseSameTargets(ReplicationRuleConfig rule) {
        Map<String, TargetConfig> seen = new HashMap<>();
        for (TargetConfig target : rule.targets()) {
            String place = switch (target.destination()) {
                case RegistryDestination registry -> UrlTypes.endpoint(registry.url());
                case LayoutDestination layout -> layout.path().toString();
            };
            TargetConfig first = seen.putIfAbsent(place + " " + target.prefix() + " " + target.map(), target);
            if (first != null) {
                reading.conflict(reading.pathOf(target), "the same target as " + reading.pathOf(first));
            }
        }
    }

    // What such a mirror has under a tag counts as what the source has: all that the rule copied once would be up to
    // date, for ever.
    private void refuseMirrorsOfTheSource(ReplicationRuleConfig rule) {
        UpstreamConfig source = upstreams.get(rule.source());
        if (source == null) {
            return;
        }
        for (TargetConfig target : rule.targets()) {
            boolean mirror = source.mirrors().stream()
                    .filter(place -> place.answers() == MirrorConfig.Answers.TAGS)
                    .anyMatch(place -> isAt(target, place.url()) && meetsMirrored(rule, target, place));
            if (mirror) {
                reading.conflict(
                        reading.pathOf(target),
                        "the target is a mirror that answers for tags of the source (answers: tags), so a tag that is there would never be"
                                + " copied again; let the mirror answer digests only, or give the target a prefix");
            }
        }
    }

    private static boolean meetsMirrored(ReplicationRuleConfig rule, TargetConfig target, MirrorConfig mirror) {
        String prefix = mirror.prefix().map(name -> name.value() + "/").orElse("");
        return NameSets.written(rule.repositories(), target).stream()
                .anyMatch(names -> rule.repositories().stream()
                        .anyMatch(pattern -> names.mayMeet(NameSets.of(pattern).under(prefix))));
    }

    private static boolean isAt(TargetConfig target, URI url) {
        return target.destination() instanceof RegistryDestination registry
                && UrlTypes.endpoint(registry.url()).equals(UrlTypes.endpoint(url));
    }

    // A rule leads to another if one of its targets writes what the other reads. Depth first from each rule in turn;
    // a way back to its start is a cycle, which is reported once, at the target that closes it.
    private void refuseCycles() {
        Set<Set<String>> reported = new HashSet<>();
        for (ReplicationRuleConfig start : rules) {
            search(start, start, new ArrayList<>(), new HashSet<>(), reported);
        }
    }

    private boolean search(
            ReplicationRuleConfig start,
            ReplicationRuleConfig at,
            List<String> way,
            Set<String> visited,
            Set<Set<String>> reported) {
        if (!visited.add(at.name())) {
            return false;
        }
        way.add(at.name());
        for (TargetConfig target : at.targets()) {
            for (ReplicationRuleConfig next : rules) {
                if (!leadsTo(at, target, next)) {
                    continue;
                }
                if (next == start) {
                    report(target, way, reported);
                    return true;
                }
                if (search(start, next, way, visited, reported)) {
                    return true;
                }
            }
        }
        way.removeLast();
        return false;
    }

    private boolean leadsTo(ReplicationRuleConfig rule, TargetConfig target, ReplicationRuleConfig next) {
        UpstreamConfig source = upstreams.get(next.source());
        return source != null
                && isAt(target, source.url())
                && NameSets.written(rule.repositories(), target).stream()
                        .anyMatch(names ->
                                next.repositories().stream().anyMatch(pattern -> names.mayMeet(NameSets.of(pattern))));
    }

    private void report(TargetConfig target, List<String> way, Set<Set<String>> reported) {
        if (!reported.add(Set.copyOf(way))) {
            return;
        }
        String path = reading.pathOf(target);
        if (way.size() > 1) {
            String cycle = way.stream().collect(Collectors.joining(" -> ", "", " -> " + way.getFirst()));
            reading.conflict(
                    path,
                    "the rules form a cycle, each reading what the one before writes; narrow the repositories of one: "
                            + cycle);
            return;
        }
        boolean renamed = target.prefix().isPresent() || !target.map().isEmpty();
        String remedy = renamed
                ? "the target is the source, and the rule reads repositories that it writes; narrow repositories"
                : "the target is the source; give it another url, or a prefix that repositories do not match";
        reading.conflict(path, remedy);
    }
}
