package dev.entrepot.replicator;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which targets of which rules are being served. A rule never serves one target twice at a time; one that is run while some of its targets are still
 * busy serves the others, so that a slow target delays no other in later runs either. Safe for all threads.
 */
final class RunningTargets {
    // What a rule without targets has busy.
    private static final Set<String> NONE = Set.of("");

    private final Map<String, Set<String>> busy = new HashMap<>();

    /** Targets of a rule that are this run's; each until it is {@linkplain #ended said to have ended}, at the latest until this is closed. */
    final class Claim implements AutoCloseable {
        private final String rule;
        private final Set<String> targets;
        private final Set<String> held;

        private Claim(String rule, Set<String> targets) {
            this.rule = rule;
            this.targets = Set.copyOf(targets);
            this.held = new LinkedHashSet<>(targets);
        }

        /** Whether a target is this run's. */
        boolean has(String target) {
            return targets.contains(target);
        }

        /** Says that nothing more is done at a target. */
        void ended(String target) {
            release(this, Set.of(target));
        }

        @Override
        public void close() {
            release(this, targets);
        }
    }

    /**
     * Claims the targets of a rule that are not busy.
     *
     * @throws RuleBusyException if all are
     */
    synchronized Claim claim(ReplicationRule rule) throws RuleBusyException {
        Set<String> all = rule.targets().isEmpty()
                ? NONE
                : rule.targets().stream()
                        .map(target -> target.registry().name())
                        .collect(Collectors.toCollection(LinkedHashSet::new));
        Set<String> taken = busy.getOrDefault(rule.name(), Set.of());
        Set<String> idle = new LinkedHashSet<>(all);
        idle.removeAll(taken);
        if (idle.isEmpty()) {
            throw new RuleBusyException(rule.name());
        }
        busy.computeIfAbsent(rule.name(), name -> new LinkedHashSet<>()).addAll(idle);
        return new Claim(rule.name(), idle);
    }

    /** Whether any target of a rule is being served. */
    synchronized boolean isRunning(String rule) {
        return busy.containsKey(rule);
    }

    private synchronized void release(Claim claim, Set<String> targets) {
        Set<String> ended = new LinkedHashSet<>(targets);
        ended.retainAll(claim.held);
        claim.held.removeAll(ended);
        busy.computeIfPresent(claim.rule, (rule, held) -> {
            held.removeAll(ended);
            return held.isEmpty() ? null : held;
        });
    }
}
