package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tells whether a rule is the same in two processes, as in a server and in the file that somebody has edited since it
 * started. Secrets have no part in it.
 */
final class RuleFingerprint {
    private static final Pattern MAP = Pattern.compile("\\{[^{}]*}");

    private RuleFingerprint() {}

    /** The fingerprint, of what the rule says and not of how it is written. */
    static String of(ReplicationRuleConfig rule) {
        // In which order a map was written means nothing; all else does.
        String words = MAP.matcher(rule.toString()).replaceAll(map -> Matcher.quoteReplacement(sorted(map.group())));
        return Digest.sha256(words.getBytes(StandardCharsets.UTF_8)).encoded().substring(0, 16);
    }

    private static String sorted(String map) {
        return Stream.of(map.substring(1, map.length() - 1).split(", ", -1))
                .sorted()
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
