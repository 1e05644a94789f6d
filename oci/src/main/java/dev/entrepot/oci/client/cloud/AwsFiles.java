package dev.entrepot.oci.client.cloud;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What AWS's shared files hold, {@code ~/.aws/config} and {@code ~/.aws/credentials} or what the variables name
 * instead.
 *
 * @param profiles settings by profile; those of the file of credentials win
 * @param sessions settings by session of IAM Identity Center ({@code [sso-session NAME]})
 */
record AwsFiles(Map<String, Map<String, String>> profiles, Map<String, Map<String, String>> sessions) {
    /** The profile that counts where none is named. */
    static final String DEFAULT = "default";

    private static final Pattern PROFILE = Pattern.compile("profile\\s+(\\S.*)");
    private static final Pattern SESSION = Pattern.compile("sso-session\\s+(\\S.*)");

    /**
     * Reads both, each of which may be missing.
     *
     * @throws IOException if one is there and cannot be read
     */
    static AwsFiles read(Map<String, String> variables) throws IOException {
        AwsFiles all = new AwsFiles(new HashMap<>(), new HashMap<>());
        all.add(file(variables, "AWS_CONFIG_FILE", "config"), true);
        all.add(file(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), false);
        return all;
    }

    /** The folder that AWS's tools keep for this user. */
    static Path home(Map<String, String> variables) {
        return Path.of(variables.getOrDefault("HOME", "/"), ".aws");
    }

    /** The settings of a profile, none where there is no such profile. */
    Map<String, String> profile(String name) {
        return profiles.getOrDefault(name, Map.of());
    }

    /** These with other settings of one profile. */
    AwsFiles with(String name, Map<String, String> settings) {
        Map<String, Map<String, String>> others = new HashMap<>(profiles);
        others.put(name, settings);
        return new AwsFiles(others, sessions);
    }

    private static Path file(Map<String, String> variables, String variable, String usual) {
        String other = variables.getOrDefault(variable, "");
        return other.isEmpty() ? home(variables).resolve(usual) : Path.of(other);
    }

    private void add(Path file, boolean prefixed) throws IOException {
        if (!Files.exists(file)) {
            return;
        }
        Map<String, String> section = new HashMap<>();
        for (String line : Answers.file(file).split("\\R")) {
            String text = line.strip();
            if (text.startsWith("[") && text.endsWith("]")) {
                section = section(text.substring(1, text.length() - 1).strip(), prefixed);
                continue;
            }
            int equals = text.indexOf('=');
            boolean nested = Character.isWhitespace(line.isEmpty() ? 'x' : line.charAt(0));
            String value = text.substring(equals + 1).strip();
            // One without a value is none, as a variable that is empty is none.
            boolean setting = equals > 0 && !value.isEmpty();
            if (setting && !nested && !text.startsWith("#") && !text.startsWith(";")) {
                section.put(text.substring(0, equals).strip(), value);
            }
        }
    }

    // What has another title is read and dropped.
    private Map<String, String> section(String title, boolean prefixed) {
        Matcher session = SESSION.matcher(title);
        if (prefixed && session.matches()) {
            return sessions.computeIfAbsent(session.group(1), key -> new HashMap<>());
        }
        Matcher profile = PROFILE.matcher(title);
        Optional<String> name = !prefixed || title.equals(DEFAULT)
                ? Optional.of(title)
                : profile.matches() ? Optional.of(profile.group(1)) : Optional.empty();
        return name.map(own -> profiles.computeIfAbsent(own, key -> new HashMap<>()))
                .orElseGet(HashMap::new);
    }
}
