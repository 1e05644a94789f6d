package dev.entrepot.oci.client;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * The keys of a docker {@code config.json}: hosts, with or without a scheme, {@code /v1/} or the start of a
 * repository's path. Kubernetes also has patterns in hosts: {@code *} stands for any text within one label
 * ({@code *.registry.test}); ports and paths are as they are written.
 */
final class DockerConfigKeys {
    private DockerConfigKeys() {}

    /**
     * The entries that are for one of these, the best first: what is written out before patterns, and longer ones
     * before shorter ones.
     *
     * @param keys hosts with or without paths, the longest first
     */
    static List<Map.Entry<String, JsonNode>> matching(JsonNode object, List<String> keys) {
        List<Map.Entry<String, JsonNode>> result = new ArrayList<>();
        for (String key : keys) {
            object.properties().stream()
                    .filter(entry -> normal(entry.getKey()).equals(key))
                    .forEach(result::add);
        }
        object.properties().stream()
                .filter(entry -> isPattern(entry.getKey()))
                .filter(entry -> keys.stream().anyMatch(key -> matches(normal(entry.getKey()), key)))
                .sorted(Comparator.comparingInt(
                        (Map.Entry<String, JsonNode> entry) -> -entry.getKey().length()))
                .forEach(result::add);
        return result;
    }

    /** Whether a key stands for several hosts. */
    static boolean isPattern(String key) {
        return key.indexOf('*') >= 0;
    }

    // https://host/v1/ and host mean the same.
    private static String normal(String key) {
        String text = key.toLowerCase(Locale.ROOT);
        for (String scheme : List.of("https://", "http://")) {
            text = text.startsWith(scheme) ? text.substring(scheme.length()) : text;
        }
        text = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
        boolean versioned = text.endsWith("/v1") || text.endsWith("/v2");
        return versioned ? text.substring(0, text.length() - 3) : text;
    }

    private static boolean matches(String pattern, String key) {
        int end = end(pattern);
        int keyEnd = end(key);
        return pattern.substring(end).equals(key.substring(keyEnd))
                && isOfHost(pattern.substring(0, end), key.substring(0, keyEnd));
    }

    // Where a port or a path begins.
    private static int end(String key) {
        int colon = key.indexOf(':');
        int slash = key.indexOf('/');
        int end = slash < 0 ? key.length() : slash;
        return colon >= 0 && colon < end ? colon : end;
    }

    private static boolean isOfHost(String pattern, String host) {
        String regex =
                List.of(pattern.split("\\*", -1)).stream().map(Pattern::quote).collect(Collectors.joining("[^.]*"));
        return host.matches(regex);
    }
}
