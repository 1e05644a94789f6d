package dev.entrepot.config;

import dev.entrepot.oci.SecretFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Replaces <code>${env:NAME}</code>, <code>${env:NAME:-default}</code> and <code>${file:path}</code> within values. A
 * default counts if the variable is not set or empty; of a file, what {@link SecretFile} says counts. <code>$${</code>
 * stands for <code>${</code>.
 */
final class References {
    /** What a reference may be. */
    static final String ALLOWED = "${env:NAME}, ${env:NAME:-default} or ${file:path}, or $${ for a plain ${";
    /** The largest file that is read in place of a reference. */
    static final int MAX_FILE_BYTES = 64 * 1024;

    private final Path workingDirectory;
    private final Map<String, String> environment;

    References(Path workingDirectory, Map<String, String> environment) {
        this.workingDirectory = workingDirectory;
        this.environment = Map.copyOf(environment);
    }

    /**
     * A value after its references were replaced.
     *
     * @param text the value
     * @param variable the last environment variable that is in it
     */
    record Resolved(String text, Optional<String> variable) {}

    /**
     * Replaces every reference.
     *
     * @throws InvalidValueException if one is malformed or leads nowhere; the message has no content of any file or
     *     variable
     */
    Resolved resolve(String text) {
        StringBuilder result = new StringBuilder();
        Optional<String> variable = Optional.empty();
        int from = 0;
        for (int at = text.indexOf("${"); at >= 0; at = text.indexOf("${", from)) {
            if (at > from && text.charAt(at - 1) == '$') {
                result.append(text, from, at - 1).append("${");
                from = at + 2;
                continue;
            }
            int end = text.indexOf('}', at);
            if (end < 0) {
                throw new InvalidValueException("", ALLOWED);
            }
            result.append(text, from, at);
            String reference = text.substring(at + 2, end);
            if (reference.contains("${")) {
                throw new InvalidValueException("", "no reference within another: the first } ends both");
            }
            if (reference.startsWith("env:")) {
                Optional<String> used = append(reference.substring("env:".length()), result);
                variable = used.isPresent() ? used : variable;
            } else if (reference.startsWith("file:")) {
                result.append(content(reference.substring("file:".length())));
            } else {
                throw new InvalidValueException("", ALLOWED);
            }
            from = end + 1;
        }
        return new Resolved(result.append(text, from, text.length()).toString(), variable);
    }

    /** The text as it must be written so that {@link #resolve} leaves it as it is. */
    static String escape(String text) {
        return text.replace("${", "$${");
    }

    private Optional<String> append(String reference, StringBuilder result) {
        int mark = reference.indexOf(":-");
        String name = mark < 0 ? reference : reference.substring(0, mark);
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]{0,127}")) {
            throw new InvalidValueException("", ALLOWED);
        }
        String value = environment.get(name);
        if (mark >= 0 && (value == null || value.isEmpty())) {
            result.append(reference, mark + 2, reference.length());
            return Optional.empty();
        }
        if (value == null) {
            throw new InvalidValueException("", "the environment variable " + name + " is not set");
        }
        result.append(value);
        return Optional.of(name);
    }

    private String content(String path) {
        try {
            Path file = workingDirectory.resolve(path).normalize();
            if (!Files.isRegularFile(file)) {
                throw new InvalidValueException("", "the file " + path + " is not there");
            }
            try (InputStream in = Files.newInputStream(file)) {
                byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
                if (bytes.length > MAX_FILE_BYTES) {
                    throw new InvalidValueException("", "the file " + path + " is longer than 64KiB");
                }
                return SecretFile.text(bytes);
            }
        } catch (CharacterCodingException e) {
            throw new InvalidValueException("", "the file " + path + " is not UTF-8");
        } catch (IOException | InvalidPathException e) {
            throw new InvalidValueException("", "the file " + path + " cannot be read");
        }
    }
}
