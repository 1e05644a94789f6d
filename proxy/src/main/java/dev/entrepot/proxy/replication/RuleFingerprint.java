package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tells whether a rule is the same in two processes, as in a server and in the file that somebody has edited since it
 * started. Secrets have no part in it.
 */
final class RuleFingerprint {
    private RuleFingerprint() {}

    /** The fingerprint, of what the rule says and not of how it is written. */
    static String of(ReplicationRuleConfig rule) {
        // The words in an order of their own: a map has another one in each process.
        String words =
                Stream.of(rule.toString().split("[\\s,=\\[\\]{}()]+")).sorted().collect(Collectors.joining(" "));
        return Digest.sha256(words.getBytes(StandardCharsets.UTF_8)).encoded().substring(0, 16);
    }
}
