package dev.entrepot.oci;

import java.util.List;
import java.util.Optional;

/**
 * The platform that an index entry is for (image-spec image-index.md).
 *
 * @param os operating system, in Go's spelling
 * @param architecture CPU architecture, in Go's spelling
 * @param variant CPU variant
 * @param osVersion operating system version
 * @param osFeatures required operating system features
 */
public record Platform(
        String os, String architecture, Optional<String> variant, Optional<String> osVersion, List<String> osFeatures) {
    /** Copies the list. */
    public Platform {
        osFeatures = List.copyOf(osFeatures);
    }

    /**
     * Parses {@code os/architecture} or {@code os/architecture/variant}.
     *
     * @throws InvalidNameException if the text is not of that form
     */
    public static Platform parse(String text) {
        String[] parts = text.split("/", -1);
        boolean valid = parts.length >= 2
                && parts.length <= 3
                && List.of(parts).stream().noneMatch(String::isBlank);
        if (!valid) {
            throw new InvalidNameException(
                    "platform", text, "os/architecture or os/architecture/variant, for example linux/arm64");
        }
        return new Platform(
                parts[0],
                parts[1],
                parts.length == 3 ? Optional.of(parts[2]) : Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /**
     * Whether this platform, used as a wish, is met by {@code offered}: what the wish leaves open may be anything. The
     * variant that all of an architecture have at least, {@code v8} of {@code arm64} and {@code v1} of {@code amd64},
     * is the same as none in what is offered: indexes name it or not, as the tool that wrote them did. A wish for it is
     * none for a later one.
     */
    public boolean matches(Platform offered) {
        return os.equals(offered.os)
                && architecture.equals(offered.architecture)
                && (variant.isEmpty() || namedVariant().equals(offered.namedVariant()))
                && (osVersion.isEmpty() || osVersion.equals(offered.osVersion));
    }

    private Optional<String> namedVariant() {
        return variant.filter(named -> !switch (architecture) {
            case "arm64" -> named.equals("v8") || named.equals("8");
            case "amd64" -> named.equals("v1");
            default -> false;
        });
    }

    @Override
    public String toString() {
        return os + "/" + architecture + variant.map(v -> "/" + v).orElse("");
    }
}
